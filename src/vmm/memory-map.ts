import { hexPage, type IovaPfn, iovaPfn, type Rights } from "../units/index.ts";
import type { Origin } from "./input-error.ts";
import type { SkippedRange } from "./skipped-range.ts";

/** One entry of a memory map as the VMM states it: a range of IOVA pages, the memory behind it and what a device may do. */
export interface MapRegion {
  readonly iovaPfn: IovaPfn;
  readonly pages: number;
  /** Name of the memory behind the region; equal names are the same memory. */
  readonly backing: string;
  /** Where in the backing the region starts, in pages. */
  readonly offsetPages: number;
  readonly rights: Rights;
  /**
   * What the VMM's own range has and this region does not show: an extent that begins or ends inside a page, a mark such as
   * nonvolatile. A VMM compares its own ranges, so a change that no page shows still takes the region away and brings it back.
   */
  readonly section?: string;
}

/**
 * What a device may reach: regions sorted by IOVA and free of overlap.
 *
 * Regions stay as the VMM gave them: adjacent ones that could be joined stay apart, because extents are what
 * UNMAP_DMA and QEMU's listener speak of. Use `canonicalRegions` to compare what two maps mean.
 */
export interface MemoryMap {
  readonly regions: readonly MapRegion[];
}

/** One map of a sequence, and where it came from. */
export interface MapStep {
  readonly label: string;
  readonly map: MemoryMap;
  readonly origin: Origin;
  /** What the source had at this step and a device cannot reach, with the reason. */
  readonly skipped: readonly SkippedRange[];
}

/** Something the reader of a sequence should know about how it was read. */
export interface ImportNote {
  readonly origin: Origin;
  readonly text: string;
}

/** Memory maps in the order in which they were in force. */
export interface MapSequence {
  readonly name: string;
  /** What it was read from, for people. */
  readonly source: string;
  readonly steps: readonly MapStep[];
  readonly notes: readonly ImportNote[];
}

export const EMPTY_MAP: MemoryMap = { regions: [] };

/** Regions that cannot form a map: two of them overlap, or one has no pages. */
export class MemoryMapError extends Error {
  override name = "MemoryMapError";
  /** The region at fault; of two that overlap, the one with the higher start. */
  readonly region: MapRegion;

  constructor(message: string, region: MapRegion) {
    super(message);
    this.region = region;
  }
}

/** First page beyond a region. */
export const regionEnd = (region: MapRegion): number => region.iovaPfn + region.pages;

/** Position of the first region that ends behind a page. Pre: ascending and free of overlap. */
export function firstEndingBehind(regions: readonly MapRegion[], page: number): number {
  let low = 0;
  let high = regions.length;
  while (low < high) {
    const mid = (low + high) >>> 1;
    if (regionEnd(regions[mid]!) > page) high = mid;
    else low = mid + 1;
  }
  return low;
}

/** `0x0-0x9ffff pc.ram+0x0 rw`: a region in one line, for messages. */
export const formatRegion = (r: MapRegion): string =>
  `${hexPage(r.iovaPfn)}-${"0x" + ((BigInt(regionEnd(r)) << 12n) - 1n).toString(16)} ` +
  `${r.backing}+${hexPage(r.offsetPages)} ${formatRights(r.rights)}`;

/** `r`, `w`, `rw`, or `none`. */
export const formatRights = (rights: Rights): string =>
  (rights & 1 ? "r" : "") + (rights & 2 ? "w" : "") || "none";

/** Sorts regions into a map. Throws MemoryMapError when two overlap or one is empty. */
export function makeMemoryMap(regions: Iterable<MapRegion>): MemoryMap {
  const sorted = [...regions].sort((a, b) => a.iovaPfn - b.iovaPfn);
  let previous: MapRegion | undefined;
  for (const region of sorted) {
    if (region.pages <= 0) throw new MemoryMapError(`region at ${hexPage(region.iovaPfn)} is empty`, region);
    if (previous !== undefined && regionEnd(previous) > region.iovaPfn)
      throw new MemoryMapError(
        `region ${formatRegion(region)} overlaps region ${formatRegion(previous)}`,
        region,
      );
    previous = region;
  }
  return { regions: sorted };
}

/** The memory map of the same meaning with the fewest regions: adjacent ones of continuing backing and equal rights joined. */
export function canonicalRegions(map: MemoryMap): MapRegion[] {
  const joined: MapRegion[] = [];
  for (const region of map.regions) {
    const last = joined.at(-1);
    if (last !== undefined && continues(last, region))
      joined[joined.length - 1] = { ...last, pages: last.pages + region.pages };
    else joined.push(region);
  }
  return joined;
}

const continues = (left: MapRegion, right: MapRegion): boolean =>
  regionEnd(left) === right.iovaPfn &&
  left.backing === right.backing &&
  left.offsetPages + left.pages === right.offsetPages &&
  left.rights === right.rights;

/** True iff a region is the same extent to the VMM, down to what of its range no page shows. */
export const sameSection = (a: MapRegion, b: MapRegion): boolean =>
  sameRegion(a, b) && a.section === b.section;

/** True iff a region is the same extent: range, backing, offset and rights. */
export const sameRegion = (a: MapRegion, b: MapRegion): boolean =>
  a.iovaPfn === b.iovaPfn &&
  a.pages === b.pages &&
  a.backing === b.backing &&
  a.offsetPages === b.offsetPages &&
  a.rights === b.rights;

/** True iff two maps mean the same, however they are cut into regions. */
export function sameMap(a: MemoryMap, b: MemoryMap): boolean {
  const left = canonicalRegions(a);
  const right = canonicalRegions(b);
  return left.length === right.length && left.every((region, i) => sameRegion(region, right[i]!));
}

/** Pages a map covers. */
export const mappedPages = (map: MemoryMap): number => map.regions.reduce((sum, r) => sum + r.pages, 0);

/** Size of each backing: the highest page any map of the sequence uses, plus one. */
export function backingSizes(sequence: MapSequence): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const map of new Set(sequence.steps.map((step) => step.map)))
    for (const r of map.regions)
      sizes.set(r.backing, Math.max(sizes.get(r.backing) ?? 0, r.offsetPages + r.pages));
  return sizes;
}

/** The sequence without steps whose map means the same as the one before: most commits of a UEFI boot. */
export function withoutNoOps(sequence: MapSequence): MapSequence {
  const steps: MapStep[] = [];
  for (const step of sequence.steps) {
    const last = steps.at(-1);
    if (last === undefined || (last.map !== step.map && !sameMap(last.map, step.map))) steps.push(step);
  }
  return { ...sequence, steps };
}

/** A region from byte addresses. Pre: all are multiples of 4096. For scenarios and tests. */
export const region = (
  iovaBytes: number,
  sizeBytes: number,
  backing: string,
  offsetBytes: number,
  rights: Rights,
): MapRegion => ({
  iovaPfn: iovaPfn(iovaBytes / 4096),
  pages: sizeBytes / 4096,
  backing,
  offsetPages: offsetBytes / 4096,
  rights,
});
