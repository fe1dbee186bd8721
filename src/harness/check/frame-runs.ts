import type { MapRun, PinRun } from "../../edit-script/index.ts";
import { compareMaps, firstRegionEndingAfter, type PageRange } from "../../model/index.ts";
import { iovaPfn, pfn } from "../../units/index.ts";
import { EMPTY_MAP, type GuestMemory, type MapRegion, type MemoryMap } from "../../vmm/index.ts";
import type { UserMaps } from "../stress/user-map.ts";

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
      const start = region.iovaPfn - this.#guest.vaddrPfn(region);
      runs = [...this.#guest.frameRuns(region)].map((run) => ({
        iovaPfn: iovaPfn(run.vaddrPfn + start),
        pages: run.pages,
        pfn: run.pfn,
        rights: region.rights,
      }));
      if (runs.length <= RUNS_KEPT) this.#regions.set(region, runs);
    }
    return runs;
  }
}

/** What of a map's runs lies in some ranges. Pre: both sorted, free of overlap. */
export function clipped(runs: readonly MapRun[], ranges: readonly PageRange[]): MapRun[] {
  const result: MapRun[] = [];
  for (const range of ranges) {
    const end = range.iovaPfn + range.pages;
    for (let i = firstRegionEndingAfter(runs, range.iovaPfn); i < runs.length; i++) {
      const run = runs[i]!;
      if (run.iovaPfn >= end) break;
      const from = Math.max(run.iovaPfn, range.iovaPfn);
      const to = Math.min(run.iovaPfn + run.pages, end);
      result.push({
        ...run,
        iovaPfn: iovaPfn(from),
        pages: to - from,
        pfn: pfn(run.pfn + from - run.iovaPfn),
      });
    }
  }
  return result;
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

/**
 * The pins that a change takes: with one call for the whole map those of pages that come or change, with MAP_DMA those of
 * every extent that was mapped, kept pages included.
 *
 * Extents are told apart as objects: what the container kept is the same extent as before.
 */
export function pinsTaken(
  frames: FrameRunMaps,
  maps: UserMaps,
  change: {
    readonly isOneCall: boolean;
    readonly old: MemoryMap;
    readonly next: MemoryMap;
    readonly extentsBefore: readonly MapRegion[];
    readonly extentsAfter: readonly MapRegion[];
  },
): readonly MapRun[] {
  if (!change.isOneCall) {
    const had = new Set(change.extentsBefore);
    return change.extentsAfter.filter((e) => !had.has(e)).flatMap((e) => frames.region(e));
  }
  const before = change.old === EMPTY_MAP ? [] : maps.of(change.old).regions;
  const { added, changed } = compareMaps(before, maps.of(change.next).regions);
  const ranges = [...added, ...changed].sort((a, b) => a.iovaPfn - b.iovaPfn);
  return clipped(frames.of(change.next), ranges);
}

export const asPins = (runs: readonly MapRun[]): PinRun[] =>
  runs.map((run) => ({ pfn: run.pfn, pages: run.pages, count: 1 }));
