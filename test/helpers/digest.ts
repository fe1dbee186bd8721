import type { Kernel, Process } from "../../src/kernel/index.ts";

/** Everything a failed call must leave as it was. */
export interface Digest {
  readonly containers: unknown;
  readonly lockedVm: readonly number[];
  /** Pinned frames of the processes' memory, and how often. */
  readonly pins: readonly string[];
  readonly tablesInUse: number;
  /** Present entries of every table, by frame. */
  readonly tables: readonly string[];
  readonly domains: readonly string[];
}

/** Reads the state of a kernel and its processes: mappings, charges, pins, table words and table count. */
export function digest(kernel: Kernel, ...processes: readonly Process[]): Digest {
  const iommus = new Set(kernel.groups.flatMap((group) => group.container?.iommu ?? []));
  return {
    containers: [...iommus].map((iommu) => ({
      mappings: iommu.mappings.map(({ mm, dirty, ...rest }) => ({
        ...rest,
        owner: processes.findIndex((process) => process.mm === mm),
        isTracked: dirty !== null,
      })),
      domains: iommu.domains.map(({ id }) => id),
      groups: [...iommu.groups.keys()].map(({ index }) => index),
      iovaRanges: iommu.iovaRanges,
      dmaAvail: iommu.dmaAvail,
      generation: iommu.generation,
      trackingDirty: iommu.trackingDirty,
      vaddrInvalidCount: iommu.vaddrInvalidCount,
    })),
    lockedVm: processes.map(({ mm }) => mm.lockedVm),
    pins: processes.flatMap((process) => pinsOf(kernel, process)),
    tablesInUse: kernel.iommu.pool.live,
    tables: kernel.iommu.pool.tables().map((table) => {
      const entries = [...kernel.tableWords(table)].map((word, i) =>
        word === 0n ? "" : `${i}:${word.toString(16)}`,
      );
      return `${table}: ${entries.filter((entry) => entry !== "").join(" ")}`;
    }),
    domains: kernel
      .domains()
      .map(({ id, root, tag, devices }) => `${id} root ${root} tag ${tag} devices ${[...devices].join(",")}`),
  };
}

function pinsOf(kernel: Kernel, process: Process): string[] {
  const pins: string[] = [];
  for (const area of process.mm.areas())
    for (const run of process.mm.pagemap(area.start as never, area.end - area.start))
      for (let page = 0; page < run.pages; page++) {
        const frame = (run.pfn + page) as typeof run.pfn;
        const count = kernel.framePins(frame);
        if (count > 0) pins.push(`${frame}:${count}`);
      }
  return pins;
}
