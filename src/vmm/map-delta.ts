import { type IovaPfn, iovaPfn } from "../units/index.ts";
import { type MapRegion, type MemoryMap, regionEnd } from "./memory-map.ts";

/** A run of IOVA pages. */
export interface PageRange {
  readonly iovaPfn: IovaPfn;
  readonly pages: number;
}

/**
 * What separates two maps, by page and not by extent: how the regions are cut plays no part.
 *
 * kept: same backing, same offset, same rights in both; changed: mapped in both, but to other memory or with other
 * rights; added and removed: mapped in one only. Ranges are sorted and maximal.
 */
export interface MapDelta {
  readonly kept: readonly PageRange[];
  readonly added: readonly PageRange[];
  readonly removed: readonly PageRange[];
  readonly changed: readonly PageRange[];
}

class RangeList {
  readonly ranges: { iovaPfn: IovaPfn; pages: number }[] = [];

  append(start: number, end: number): void {
    const last = this.ranges.at(-1);
    if (last !== undefined && last.iovaPfn + last.pages === start) last.pages += end - start;
    else this.ranges.push({ iovaPfn: iovaPfn(start), pages: end - start });
  }
}

const sameMemory = (a: MapRegion, b: MapRegion): boolean =>
  a.backing === b.backing && a.rights === b.rights && a.iovaPfn - a.offsetPages === b.iovaPfn - b.offsetPages;

/** Compares two maps by page in one pass over both; O(regions). */
export function compareMaps(old: MemoryMap, next: MemoryMap): MapDelta {
  const kept = new RangeList();
  const added = new RangeList();
  const removed = new RangeList();
  const changed = new RangeList();
  let i = 0;
  let j = 0;
  let at = 0;
  while (i < old.regions.length || j < next.regions.length) {
    const a = old.regions[i];
    const b = next.regions[j];
    const aStart = a === undefined ? Infinity : Math.max(a.iovaPfn, at);
    const bStart = b === undefined ? Infinity : Math.max(b.iovaPfn, at);
    const start = Math.min(aStart, bStart);
    const inA = a !== undefined && aStart === start;
    const inB = b !== undefined && bStart === start;
    const end = Math.min(inA ? regionEnd(a) : aStart, inB ? regionEnd(b) : bStart);
    if (inA && inB) (sameMemory(a, b) ? kept : changed).append(start, end);
    else if (inA) removed.append(start, end);
    else added.append(start, end);
    if (inA && regionEnd(a) === end) i++;
    if (inB && regionEnd(b) === end) j++;
    at = end;
  }
  return { kept: kept.ranges, added: added.ranges, removed: removed.ranges, changed: changed.ranges };
}

/** Ranges that both maps translate to the same memory with the same rights: what a hitless change must not disturb. */
export const keptRanges = (old: MemoryMap, next: MemoryMap): readonly PageRange[] =>
  compareMaps(old, next).kept;

/** Sizes of a delta's four parts. */
export interface DeltaBytes {
  readonly keptBytes: bigint;
  readonly addedBytes: bigint;
  readonly removedBytes: bigint;
  readonly changedBytes: bigint;
}

export const totalPages = (ranges: readonly PageRange[]): number => ranges.reduce((n, r) => n + r.pages, 0);

const bytesOf = (ranges: readonly PageRange[]): bigint => BigInt(totalPages(ranges)) << 12n;

/** How many bytes are kept, added, removed and changed between two maps. */
export function classify(old: MemoryMap, next: MemoryMap): DeltaBytes {
  const delta = compareMaps(old, next);
  return {
    keptBytes: bytesOf(delta.kept),
    addedBytes: bytesOf(delta.added),
    removedBytes: bytesOf(delta.removed),
    changedBytes: bytesOf(delta.changed),
  };
}
