import { iovaPfn, type Pfn, vaddrPfn } from "../../units/index.ts";
import type { MapRun } from "../iommu/index.ts";
import { chargePages, unchargePages } from "../mm/accounting.ts";
import type { PinnedRun } from "../mm/types.ts";
import type { Mapping } from "./mapping.ts";
import { removeTranslationsOf } from "./remove-mapping.ts";
import type { Type1 } from "./type1.ts";

/** Pinned runs that go to the tables in one piece: bounds what a huge scattered mapping holds in memory. */
const CHUNK_RUNS = 16384;

/**
 * Pins the memory of a new mapping run by run, charges it and maps it in every domain. Returns 0, or -EFAULT / -ENOMEM with
 * every pin, charge and translation of this mapping gone. Post: `mapping.lockedPages` is what was charged.
 */
export function pinAndMap(iommu: Type1, mapping: Mapping): number {
  const chunk = new PinnedChunk(mapping);
  const pageByPage = iommu.kernel.parameters.disableHugepages;
  let done = 0;
  while (done < mapping.pages) {
    const error = chunk.fill(done, pageByPage ? 1 : CHUNK_RUNS, pageByPage ? 1 : mapping.pages);
    const failed = error < 0 ? error : iommu.kernel.iommu.mapRuns(iommu.domains, chunk.runs);
    if (failed < 0) {
      chunk.unpin();
      if (done > 0) removeTranslationsOf(iommu, mapping, done);
      unchargePages(mapping.mm, mapping.lockedPages);
      mapping.lockedPages = 0;
      return failed;
    }
    done = chunk.end;
  }
  return 0;
}

/** Consecutive pinned runs of one mapping. */
class PinnedChunk {
  readonly #mapping: Mapping;
  readonly runs: MapRun[] = [];
  readonly #pinned: { pfn: Pfn; pages: number }[] = [];
  /** First page of the mapping behind the chunk. */
  end = 0;

  constructor(mapping: Mapping) {
    this.#mapping = mapping;
  }

  /** Pins and charges up to `maxRuns` runs from page `from` of the mapping on. Returns 0 or -errno with the runs so far still pinned. */
  fill(from: number, maxRuns: number, maxRunPages: number): number {
    const m = this.#mapping;
    this.runs.length = this.#pinned.length = 0;
    this.end = from;
    while (this.end < m.pages && this.runs.length < maxRuns) {
      const run: PinnedRun = { pfn: 0 as Pfn, pages: 0, accounted: false, pinned: false };
      const wanted = Math.min(maxRunPages, m.pages - this.end);
      const error = m.mm.pinRun(vaddrPfn(m.vaddrPfn + this.end), wanted, m.rights, run);
      if (error < 0) return error;
      if (run.pinned) this.#pinned.push({ pfn: run.pfn, pages: run.pages });
      const accounted = run.accounted ? run.pages : 0;
      const overLimit = chargePages(m.mm, accounted, m.lockCap);
      if (overLimit < 0) return overLimit;
      m.lockedPages += accounted;
      this.runs.push({
        iovaPfn: iovaPfn(m.iovaPfn + this.end),
        pfn: run.pfn,
        pages: run.pages,
        rights: m.rights,
      });
      this.end += run.pages;
    }
    return 0;
  }

  unpin(): void {
    for (const { pfn, pages } of this.#pinned) this.#mapping.mm.unpinRun(pfn, pages);
  }
}
