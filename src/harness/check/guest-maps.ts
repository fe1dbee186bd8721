import {
  type FrameSet,
  firstEndingAfter,
  type MapReader,
  MapRuns,
  type MapSide,
  pagesIn,
  RangeList,
  type Ranges,
  union,
  WeightedRuns,
} from "../../check/index.ts";
import type { MapRun, PinRun } from "../../edit-script/index.ts";
import { compareMaps, type PageRange } from "../../model/index.ts";
import { EMPTY_MAP, type MapRegion, type MemoryMap, regionEnd } from "../../vmm/index.ts";
import type { UserMaps } from "../stress/user-map.ts";
import { type FrameRunMaps, part, partsWithin } from "./frame-runs.ts";
import { ReadFrames } from "./read-frames.ts";

/** A map change as the VMM made it. */
export interface GuestChange {
  /** The kernel was given the whole map in one call. */
  readonly isOneCall: boolean;
  readonly old: MemoryMap;
  readonly next: MemoryMap;
  readonly extentsBefore: readonly MapRegion[];
  readonly extentsAfter: readonly MapRegion[];
}

/**
 * The maps of one change, for the checker to read in parts: from the user's regions and the process's pagemap, never from
 * tables. No list of a whole map is made: memory follows from what changes, however scattered the guest's memory is.
 */
export class GuestMaps implements MapReader {
  readonly end: number;
  readonly #frames: FrameRunMaps;
  readonly #read: ReadFrames;
  readonly #change: GuestChange;
  readonly #changes: Ranges;
  /** Pages that come or get another backing or other rights. */
  readonly #coming: Ranges;
  /** What was asked for last: the frames that lose a pin are asked for again where all that is pinned loses one. */
  #pages: { readonly frames: FrameSet; readonly pages: Ranges } | null = null;

  constructor(frames: FrameRunMaps, maps: UserMaps, change: GuestChange) {
    this.#frames = frames;
    this.#read = new ReadFrames(frames);
    this.#change = change;
    const { old, next } = change;
    const before = old === EMPTY_MAP ? [] : maps.of(old).regions;
    const { added, removed, changed } = compareMaps(before, next === EMPTY_MAP ? [] : maps.of(next).regions);
    this.#changes = asRanges([...added, ...removed, ...changed]);
    this.#coming = asRanges([...added, ...changed]);
    const ends = [old, next].map((map) => (map.regions.length === 0 ? 0 : regionEnd(map.regions.at(-1)!)));
    this.end = Math.max(...ends);
  }

  changes(): Ranges {
    return this.#changes;
  }

  runs(side: MapSide, ranges: Ranges): MapRuns {
    const runs = new MapRuns();
    for (const region of partsWithin(this.#change[side === "old" ? "old" : "next"], ranges)) {
      const by = region.iovaPfn - this.#frames.vaddrPfn(region);
      const cursor = this.#read.cursor(region);
      while (cursor.next()) runs.push(cursor.start + by, cursor.pages, cursor.frame, region.rights);
    }
    return runs;
  }

  /** No two pages of guest memory share a frame: what leads to a frame has the virtual page behind which it is. */
  pagesOn(frames: FrameSet): Ranges {
    if (frames.isEmpty) return new RangeList();
    if (this.#pages?.frames.equals(frames)) return this.#pages.pages;
    let behind = this.#behind(frames, this.#touchedRegions());
    // A script that unpins what it should have nothing to do with: all the memory is gone through.
    if (pagesIn(behind) < frames.count) behind = this.#behind(frames, this.#regions());
    const { old, next } = this.#change;
    const pages = union(this.#pagesShowing(old, behind), this.#pagesShowing(next, behind));
    this.#pages = { frames, pages };
    return pages;
  }

  /**
   * The pins that the change takes: with one call for the whole map those of pages that come or change, with MAP_DMA those
   * of every extent that was mapped, kept pages included. Extents are told apart as objects: what the container kept is
   * the same extent as before.
   */
  pinsTaken(): WeightedRuns {
    const { isOneCall, extentsBefore, extentsAfter } = this.#change;
    const pins = new WeightedRuns();
    if (isOneCall) {
      const { length, starts, ends, frames } = this.runs("new", this.#coming);
      for (let i = 0; i < length; i++) pins.add(frames[i]!, frames[i]! + ends[i]! - starts[i]!, 1);
      return pins;
    }
    const had = new Set(extentsBefore);
    for (const extent of extentsAfter) {
      if (had.has(extent)) continue;
      const cursor = this.#read.cursor(extent);
      while (cursor.next()) pins.add(cursor.frame, cursor.frame + cursor.pages, 1);
    }
    return pins;
  }

  /** Pages that change and, with MAP_DMA, extents that came or went: what a right script pins and unpins. */
  #touchedRegions(): MapRegion[] {
    const { isOneCall, old, next, extentsBefore, extentsAfter } = this.#change;
    const touched: MapRegion[] = [];
    const { starts, ends } = this.#changes;
    for (const { regions } of [old, next])
      for (const region of regions)
        for (let i = firstEndingAfter(this.#changes, region.iovaPfn); i < starts.length; i++) {
          if (starts[i]! >= regionEnd(region)) break;
          touched.push(part(region, starts[i]!, ends[i]!));
        }
    if (isOneCall) return touched;
    const [had, has] = [new Set(extentsBefore), new Set(extentsAfter)];
    for (const extent of extentsBefore) if (!has.has(extent)) touched.push(extent);
    for (const extent of extentsAfter) if (!had.has(extent)) touched.push(extent);
    return touched;
  }

  *#regions(): Generator<MapRegion> {
    yield* this.#change.old.regions;
    yield* this.#change.next.regions;
  }

  /** The virtual pages, of those behind some regions, that are on some frames. */
  #behind(frames: FrameSet, regions: Iterable<MapRegion>): Ranges {
    const pages = new RangeList();
    let reached = 0;
    const sorted = [...regions].sort((a, b) => this.#frames.vaddrPfn(a) - this.#frames.vaddrPfn(b));
    for (const region of sorted) {
      const start = this.#frames.vaddrPfn(region);
      const end = start + region.pages;
      if (end <= reached) continue;
      const rest = part(region, region.iovaPfn + Math.max(0, reached - start), Infinity);
      reached = end;
      const cursor = this.#read.cursor(rest);
      while (cursor.next()) {
        const last = cursor.frame + cursor.pages;
        if (!frames.touches(cursor.frame, last)) continue;
        if (cursor.pages === 1) {
          pages.join(cursor.start, cursor.start + 1);
          continue;
        }
        const by = cursor.start - cursor.frame;
        for (let i = frames.firstEndingAfter(cursor.frame); i < frames.starts.length; i++) {
          if (frames.starts[i]! >= last) break;
          pages.join(by + Math.max(cursor.frame, frames.starts[i]!), by + Math.min(last, frames.ends[i]!));
        }
      }
    }
    return pages.ranges();
  }

  /** The pages of a map that show some virtual pages, ascending. */
  #pagesShowing({ regions }: MemoryMap, { starts, ends }: Ranges): Ranges {
    const pages = new RangeList();
    for (const region of regions) {
      const start = this.#frames.vaddrPfn(region);
      const by = region.iovaPfn - start;
      const end = start + region.pages;
      for (let i = firstEndingAfter({ starts, ends }, start); i < starts.length && starts[i]! < end; i++)
        pages.join(by + Math.max(start, starts[i]!), by + Math.min(end, ends[i]!));
    }
    return pages.ranges();
  }
}

function asRanges(ranges: readonly PageRange[]): Ranges {
  const list = new RangeList();
  for (const { iovaPfn: start, pages } of ranges) list.push(start, start + pages);
  return list.union();
}

export const asPins = (runs: Iterable<MapRun>): PinRun[] =>
  Array.from(runs, (run) => ({ pfn: run.pfn, pages: run.pages, count: 1 }));
