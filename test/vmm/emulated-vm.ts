import { expect } from "vitest";
import { Kernel, type KernelOptions } from "../../src/kernel/index.ts";
import { iovaPfn } from "../../src/units/index.ts";
import { VfioContainer } from "../../src/vmm/container.ts";
import { GuestMemory, type GuestOptions } from "../../src/vmm/guest.ts";
import { type MapRegion, type MapSequence, type MemoryMap, regionEnd } from "../../src/vmm/memory-map.ts";
import type { Vm } from "../../src/vmm/strategies/index.ts";

export const GROUPS = [{ index: 0, deviceName: "0000:00:04.0" }];

/** A small machine with one process that runs a guest. */
export function boot(
  sequence: MapSequence,
  options: GuestOptions & KernelOptions = {},
): Vm & { kernel: Kernel } {
  const kernel = new Kernel(options);
  const process = kernel.createProcess();
  const guest = new GuestMemory(process, sequence, options);
  return { kernel, guest, container: new VfioContainer(process, GROUPS) };
}

/** Pages of a region worth a look: both ends, what lies around multiples of 2 MiB and 1 GiB near the ends, and some between. */
function* sample(region: MapRegion): Generator<number> {
  const start = region.iovaPfn;
  const last = regionEnd(region) - 1;
  yield* [start, last, start + (region.pages >> 1), start + ((region.pages * 3) >> 2)];
  for (const edge of [512, 512 * 512])
    for (const near of [Math.ceil(start / edge) * edge, Math.floor(last / edge) * edge])
      for (const page of [near - 1, near]) if (page > start && page < last) yield page;
}

/** The tables translate every sampled page of a map to the guest's own frame with its rights, and nothing next to it. */
export function expectTranslates(vm: Vm & { kernel: Kernel }, map: MemoryMap): void {
  const domain = vm.kernel.domains()[0]!;
  const walk = (page: number) => vm.kernel.engine.walk(domain.root, domain.levels, iovaPfn(page));
  const mapped = (page: number) => map.regions.some((r) => r.iovaPfn <= page && page < regionEnd(r));
  for (const region of map.regions) {
    for (const page of sample(region)) {
      const offset = page - region.iovaPfn;
      const one = { ...region, iovaPfn: iovaPfn(page), pages: 1, offsetPages: region.offsetPages + offset };
      const [run] = [...vm.guest.frameRuns(one)];
      expect(walk(page), `page ${page.toString(16)}`).toMatchObject({ pfn: run!.pfn, rights: region.rights });
    }
    for (const page of [region.iovaPfn - 1, regionEnd(region)])
      if (page >= 0 && !mapped(page)) expect(walk(page), `page ${page.toString(16)} beside`).toBeNull();
  }
}
