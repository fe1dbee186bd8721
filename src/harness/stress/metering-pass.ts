import { setImmediate } from "node:timers/promises";
import { compareMaps } from "../../model/index.ts";
import { PAGE_SIZE_BYTES } from "../../units/index.ts";
import { LostTranslations } from "./lost-translations.ts";
import type { StressMachine } from "./machine.ts";
import type { StressOptions } from "./options.ts";

/** What one pass over the map changes of a sequence took. */
export interface PassCounts {
  readonly changes: number;
  readonly ioctls: number;
  readonly entryStores: number;
  readonly invalidations: number;
  readonly pagesPinned: number;
  readonly pagesUnpinned: number;
  /** Kept bytes that had no translation at some moment, summed over the changes. */
  readonly keptBytesLost: number;
  /** The first page of them, or null. */
  readonly firstLostPage: number | null;
}

/**
 * Takes a machine once through its sequence with no device running and watches the tables store by store. Afterwards the
 * first map is in force again; going back there is not counted. Returns null when interrupted.
 */
export async function meteringPass(
  machine: StressMachine,
  options: StressOptions,
): Promise<PassCounts | null> {
  const { engine, iommu } = machine.kernel;
  const { steps } = options.sequence;
  const meter = new LostTranslations(engine, () => iommu.domains);
  let ioctls = 0;
  let pagesLost = 0;
  let firstLostPage: number | null = null;
  engine.resetCounters();
  const lockedBefore = machine.process.mm.lockedVm;
  iommu.committer.observer = (domain, page, pages) => meter.afterStore(domain, page, pages);
  try {
    for (const step of steps.slice(1)) {
      await setImmediate();
      if (options.signal?.aborted) return null;
      const next = machine.maps.of(step.map);
      meter.begin(compareMaps(machine.current.regions, next.regions).kept);
      ioctls += machine.apply(step);
      const lost = meter.result();
      pagesLost += lost.pages;
      firstLostPage ??= lost.first;
    }
  } finally {
    iommu.committer.observer = null;
  }
  const { entryStores, invalidations, pagesUnpinned } = engine.counters;
  /* Every pin is charged, so what was pinned is what was unpinned plus what the account grew by. */
  const pagesPinned = pagesUnpinned + machine.process.mm.lockedVm - lockedBefore;
  machine.apply(steps[0]!);
  return {
    changes: steps.length - 1,
    ioctls,
    entryStores,
    invalidations,
    pagesPinned,
    pagesUnpinned,
    keptBytesLost: pagesLost * PAGE_SIZE_BYTES,
    firstLostPage,
  };
}
