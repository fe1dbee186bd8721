import {
  ascending,
  FrameSet,
  firstEndingAfter,
  type MapReader,
  type MapSide,
  RangeList,
  type Ranges,
} from "../../check/index.ts";
import type { MapRun, PinRun } from "../../edit-script/index.ts";
import { compareMaps, type PageRange } from "../../model/index.ts";
import { iovaPfn } from "../../units/index.ts";
import { EMPTY_MAP, type MapRegion, type MemoryMap, regionEnd } from "../../vmm/index.ts";
import type { UserMaps } from "../stress/user-map.ts";
import type { FrameRunMaps } from "./frame-runs.ts";

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
  readonly #change: GuestChange;
  readonly #changes: Ranges;
  /** Pages that come or get another backing or other rights. */
  readonly #coming: Ranges;
  #backing: Backing | null = null;

  constructor(frames: FrameRunMaps, maps: UserMaps, change: GuestChange) {
    this.#frames = frames;
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

  runs(side: MapSide, ranges: Ranges): readonly MapRun[] {
    return this.#frames.within(this.#change[side === "old" ? "old" : "next"], ranges);
  }

  /** No two pages of guest memory share a frame: what leads to a frame has the virtual page behind which it is. */
  pagesOn(frames: FrameSet): Ranges {
    if (frames.isEmpty) return new RangeList();
    this.#backing ??= this.#touchedBacking();
    let behind = this.#backing.virtualPages(frames);
    if (!behind.isAll) behind = this.#wholeBacking(frames).virtualPages(frames);
    const wanted = behind.pages;
    const pages = new RangeList();
    for (const region of this.#regions()) {
      const start = this.#frames.vaddrPfn(region);
      const by = region.iovaPfn - start;
      const end = start + region.pages;
      for (let i = firstEndingAfter(wanted, start); i < wanted.starts.length && wanted.starts[i]! < end; i++)
        pages.push(by + Math.max(start, wanted.starts[i]!), by + Math.min(end, wanted.ends[i]!));
    }
    return pages.union();
  }

  /**
   * The pins that the change takes: with one call for the whole map those of pages that come or change, with MAP_DMA those
   * of every extent that was mapped, kept pages included. Extents are told apart as objects: what the container kept is
   * the same extent as before.
   */
  pinsTaken(): readonly MapRun[] {
    const { isOneCall, extentsBefore, extentsAfter } = this.#change;
    if (isOneCall) return this.runs("new", this.#coming);
    const had = new Set(extentsBefore);
    return extentsAfter.filter((e) => !had.has(e)).flatMap((e) => this.#frames.region(e));
  }

  /** What is behind the pages that change and, with MAP_DMA, behind extents that came or went: what a right script pins and unpins. */
  #touchedBacking(): Backing {
    const { isOneCall, old, next, extentsBefore, extentsAfter } = this.#change;
    const touched: MapRegion[] = [];
    for (const { regions } of [old, next])
      for (const region of regions) {
        const { starts, ends } = this.#changes;
        for (let i = firstEndingAfter(this.#changes, region.iovaPfn); i < starts.length; i++) {
          if (starts[i]! >= regionEnd(region)) break;
          touched.push(
            part(region, Math.max(region.iovaPfn, starts[i]!), Math.min(regionEnd(region), ends[i]!)),
          );
        }
      }
    if (isOneCall) return this.#backingOf(touched, () => true);
    const [had, has] = [new Set(extentsBefore), new Set(extentsAfter)];
    for (const extent of extentsBefore) if (!has.has(extent)) touched.push(extent);
    for (const extent of extentsAfter) if (!had.has(extent)) touched.push(extent);
    return this.#backingOf(touched, () => true);
  }

  /** For a script that unpins what it should have nothing to do with: goes through all the memory once. */
  #wholeBacking(frames: FrameSet): Backing {
    return this.#backingOf(this.#regions(), (start, end) => frames.touches(start, end));
  }

  #backingOf(regions: Iterable<MapRegion>, isWanted: (start: number, end: number) => boolean): Backing {
    const list = new RangeList();
    const vaddrs: number[] = [];
    for (const region of regions)
      for (const { pfn, pages, vaddrPfn } of this.#frames.frameRuns(region)) {
        if (!isWanted(pfn, pfn + pages)) continue;
        list.push(pfn, pfn + pages);
        vaddrs.push(vaddrPfn);
      }
    return new Backing(list, vaddrs);
  }

  *#regions(): Generator<MapRegion> {
    yield* this.#change.old.regions;
    yield* this.#change.next.regions;
  }
}

/** Which virtual page is behind a frame, for some frames. */
class Backing {
  readonly #frames: FrameSet;
  readonly #vaddrs: readonly number[];

  /** Pre: runs that overlap agree. */
  constructor({ starts, ends }: Ranges, vaddrs: readonly number[]) {
    const frames = new RangeList();
    const kept: number[] = [];
    let end = 0;
    for (const i of ascending(starts)) {
      if (ends[i]! <= end) continue;
      const start = Math.max(end, starts[i]!);
      end = ends[i]!;
      frames.push(start, end);
      kept.push(vaddrs[i]! + start - starts[i]!);
    }
    this.#frames = new FrameSet(frames);
    this.#vaddrs = kept;
  }

  /** Virtual pages behind frames, and whether there was one behind every frame. */
  virtualPages(wanted: FrameSet): { readonly pages: Ranges; readonly isAll: boolean } {
    const pages = new RangeList();
    let isAll = true;
    for (let w = 0; w < wanted.starts.length; w++) {
      const last = wanted.ends[w]!;
      let next = wanted.starts[w]!;
      for (let i = this.#frames.firstEndingAfter(next); next < last; i++) {
        const start = this.#frames.starts[i] ?? Infinity;
        if (start > next) isAll = false;
        if (start >= last) break;
        const from = Math.max(next, start);
        next = Math.min(last, this.#frames.ends[i]!);
        pages.push(this.#vaddrs[i]! + from - start, this.#vaddrs[i]! + next - start);
      }
    }
    return { pages: pages.union(), isAll };
  }
}

const part = (region: MapRegion, start: number, end: number): MapRegion => ({
  ...region,
  iovaPfn: iovaPfn(start),
  pages: end - start,
  offsetPages: region.offsetPages + start - region.iovaPfn,
});

function asRanges(ranges: readonly PageRange[]): Ranges {
  const list = new RangeList();
  for (const { iovaPfn: start, pages } of ranges) list.push(start, start + pages);
  return list.union();
}

export const asPins = (runs: readonly MapRun[]): PinRun[] =>
  runs.map((run) => ({ pfn: run.pfn, pages: run.pages, count: 1 }));
