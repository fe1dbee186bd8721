import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Kernel } from "../../src/kernel/index.ts";
import { type IovaPfn, iovaPfn } from "../../src/units/index.ts";
import { VfioContainer } from "../../src/vmm/container.ts";
import { GuestMemory } from "../../src/vmm/guest.ts";
import { type MapRegion, type MapSequence, makeMemoryMap, regionEnd } from "../../src/vmm/memory-map.ts";
import { GROUPS } from "./emulated-vm.ts";

const PAGES = 24;
const memory: MapRegion = { iovaPfn: iovaPfn(0), pages: PAGES, backing: "ram", offsetPages: 0, rights: 3 };
const sequence: MapSequence = {
  name: "test",
  source: "test",
  notes: [],
  steps: [{ label: "0", map: makeMemoryMap([memory]), origin: { file: "t", line: 1 }, skipped: [] }],
};

const deed = fc.record({
  maps: fc.boolean(),
  start: fc.nat(PAGES - 1),
  pages: fc.integer({ min: 1, max: 6 }),
});

describe("the extents of a container", () => {
  it("are those that were mapped and not taken back since, ascending", () => {
    let unmapped = 0;
    fc.assert(
      fc.property(fc.array(deed, { minLength: 1, maxLength: 30 }), (deeds) => {
        const process = new Kernel().createProcess();
        const guest = new GuestMemory(process, sequence);
        const container = new VfioContainer(process, GROUPS);
        let expected: MapRegion[] = [];
        for (const { maps, start, pages } of deeds) {
          const [iova, end]: [IovaPfn, number] = [iovaPfn(start), Math.min(PAGES, start + pages)];
          const isIn = (e: MapRegion): boolean => regionEnd(e) > start && e.iovaPfn < end;
          const own = { ...memory, iovaPfn: iova, pages: end - start, offsetPages: start };
          if (maps) {
            const errno = container.mapDma(own, guest.vaddr(own));
            expect(errno === 0).toBe(!expected.some(isIn));
            if (errno === 0) expected = [...expected, own].sort((a, b) => a.iovaPfn - b.iovaPfn);
          } else if (!expected.some((e) => isIn(e) && (e.iovaPfn < start || regionEnd(e) > end))) {
            expect(container.unmapDma(own)).toBe(0);
            unmapped += expected.filter(isIn).length;
            expected = expected.filter((e) => !isIn(e));
          }
          expect(container.extents).toEqual(expected);
        }
        container.close();
      }),
      { numRuns: 200 },
    );
    expect(unmapped).toBeGreaterThan(50);
  });
});
