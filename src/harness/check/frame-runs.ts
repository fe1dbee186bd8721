import { MapRuns, type Ranges } from "../../check/index.ts";
import type { MapRun } from "../../edit-script/index.ts";
import type { PagemapCursor } from "../../kernel/mm/pagemap.ts";
import { firstRegionEndingAfter } from "../../model/index.ts";
import { iovaPfn, type VaddrPfn } from "../../units/index.ts";
import { type GuestMemory, type MapRegion, type MemoryMap, regionEnd } from "../../vmm/index.ts";

const MAPS_KEPT = 2;

/** Translates the VMM's maps to runs of frames: from the user's regions and the process's pagemap, never from tables. */
export class FrameRunMaps {
  readonly #guest: GuestMemory;
  /** The maps asked for last: a change needs two. */
  readonly #maps = new Map<MemoryMap, readonly MapRun[]>();

  constructor(guest: GuestMemory) {
    this.#guest = guest;
  }

  /** All of a map as a list. */
  of(map: MemoryMap): readonly MapRun[] {
    let runs = this.#maps.get(map);
    if (runs === undefined) {
      const all = new MapRuns();
      for (const region of map.regions) {
        const cursor = this.#guest.frameCursor(region);
        const by = region.iovaPfn - this.#guest.vaddrPfn(region);
        while (cursor.next()) all.push(cursor.start + by, cursor.pages, cursor.frame, region.rights);
      }
      runs = [...all];
      for (const oldest of this.#maps.keys()) if (this.#maps.size >= MAPS_KEPT) this.#maps.delete(oldest);
      this.#maps.set(map, runs);
    }
    return runs;
  }

  /** First virtual page behind a region. */
  vaddrPfn(region: MapRegion): VaddrPfn {
    return this.#guest.vaddrPfn(region);
  }

  /** Where a region's memory is, by virtual page, asked of the pagemap anew. */
  frameCursor(region: MapRegion): PagemapCursor {
    return this.#guest.frameCursor(region);
  }
}

/** The parts of a map's regions that lie in some ranges, ascending. */
export function* partsWithin({ regions }: MemoryMap, { starts, ends }: Ranges): Generator<MapRegion> {
  let i = starts.length === 0 ? 0 : firstRegionEndingAfter(regions, starts[0]!);
  for (let r = 0; r < starts.length; r++) {
    while (i < regions.length && regionEnd(regions[i]!) <= starts[r]!) i++;
    for (let at = i; at < regions.length && regions[at]!.iovaPfn < ends[r]!; at++)
      yield part(regions[at]!, starts[r]!, ends[r]!);
  }
}

/** The pages that a region has in [start, end). Pre: there are some. */
export function part(region: MapRegion, start: number, end: number): MapRegion {
  const from = Math.max(region.iovaPfn, start);
  return {
    ...region,
    iovaPfn: iovaPfn(from),
    pages: Math.min(regionEnd(region), end) - from,
    offsetPages: region.offsetPages + from - region.iovaPfn,
  };
}
