import type { Ranges } from "../../check/index.ts";
import type { MapRun } from "../../edit-script/index.ts";
import type { PagemapRun } from "../../kernel/mm/pagemap.ts";
import { firstRegionEndingAfter } from "../../model/index.ts";
import { iovaPfn, type VaddrPfn } from "../../units/index.ts";
import { type GuestMemory, type MapRegion, type MemoryMap, regionEnd } from "../../vmm/index.ts";

const MAPS_KEPT = 2;
/** Longer lists of runs are made again rather than kept for every region. */
const RUNS_KEPT = 4096;

/** Translates the VMM's maps to runs of frames: from the user's regions and the process's pagemap, never from tables. */
export class FrameRunMaps {
  readonly #guest: GuestMemory;
  /** The maps asked for last: a change needs two, and scattered memory has a run for every page. */
  readonly #maps = new Map<MemoryMap, readonly MapRun[]>();
  readonly #regions = new WeakMap<MapRegion, readonly MapRun[]>();

  constructor(guest: GuestMemory) {
    this.#guest = guest;
  }

  /** Runs sorted by IOVA; neighbours that go on are one run. */
  of(map: MemoryMap): readonly MapRun[] {
    let runs = this.#maps.get(map);
    if (runs === undefined) {
      runs = joined(map.regions.flatMap((region) => this.region(region)));
      for (const oldest of this.#maps.keys()) if (this.#maps.size >= MAPS_KEPT) this.#maps.delete(oldest);
      this.#maps.set(map, runs);
    }
    return runs;
  }

  region(region: MapRegion): readonly MapRun[] {
    let runs = this.#regions.get(region);
    if (runs === undefined) {
      runs = this.#read(region);
      if (runs.length <= RUNS_KEPT) this.#regions.set(region, runs);
    }
    return runs;
  }

  /** The runs of some pages, asked of the pagemap anew, cut at the ends of the ranges. */
  within({ regions }: MemoryMap, { starts, ends }: Ranges): readonly MapRun[] {
    const runs: MapRun[] = [];
    for (let r = 0; r < starts.length; r++)
      for (let i = firstRegionEndingAfter(regions, starts[r]!); i < regions.length; i++) {
        const region = regions[i]!;
        if (region.iovaPfn >= ends[r]!) break;
        const from = Math.max(region.iovaPfn, starts[r]!);
        const pages = Math.min(regionEnd(region), ends[r]!) - from;
        const offsetPages = region.offsetPages + from - region.iovaPfn;
        for (const run of this.#read({ ...region, iovaPfn: iovaPfn(from), pages, offsetPages }))
          runs.push(run);
      }
    return joined(runs);
  }

  /** First virtual page behind a region. */
  vaddrPfn(region: MapRegion): VaddrPfn {
    return this.#guest.vaddrPfn(region);
  }

  /** Where a region's memory is, by virtual page, asked of the pagemap anew. */
  frameRuns(region: MapRegion): Generator<PagemapRun> {
    return this.#guest.frameRuns(region);
  }

  #read(region: MapRegion): MapRun[] {
    const runs: MapRun[] = [];
    const by = region.iovaPfn - this.#guest.vaddrPfn(region);
    for (const { vaddrPfn, pages, pfn } of this.#guest.frameRuns(region))
      runs.push({ iovaPfn: iovaPfn(vaddrPfn + by), pages, pfn, rights: region.rights });
    return runs;
  }
}

function joined(runs: readonly MapRun[]): MapRun[] {
  const result: MapRun[] = [];
  for (const run of runs) {
    const last = result.at(-1);
    if (
      last !== undefined &&
      last.iovaPfn + last.pages === run.iovaPfn &&
      last.pfn + last.pages === run.pfn &&
      last.rights === run.rights
    )
      result[result.length - 1] = { ...last, pages: last.pages + run.pages };
    else result.push(run);
  }
  return result;
}
