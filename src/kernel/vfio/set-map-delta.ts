import type { AddressSpace } from "../mm/types.ts";
import type { Mapping } from "./mapping.ts";
import type { Region } from "./set-map-regions.ts";

/**
 * A range of IOVA pages that the call changes. Ranges ascend and do not overlap; what no range mentions is kept.
 * `old` and `next` are what covers the range before and after: at least one is there.
 */
export interface DeltaRange {
  readonly start: number;
  readonly end: number;
  readonly old: Mapping | null;
  readonly next: Region | null;
}

export interface Delta {
  readonly ranges: readonly DeltaRange[];
  readonly pagesAdded: number;
  readonly pagesRemoved: number;
  readonly pagesChanged: number;
}

/**
 * Compares the mappings in force with the regions to be, both sorted by IOVA, page by page but in one linear pass.
 * A page is kept iff the same process page serves it with the same rights: where a region starts or ends does not matter,
 * and frames are not looked up.
 */
export function diff(mappings: readonly Mapping[], regions: readonly Region[], mm: AddressSpace): Delta {
  const ranges: DeltaRange[] = [];
  let pagesAdded = 0;
  let pagesRemoved = 0;
  let pagesChanged = 0;
  let i = 0;
  let j = 0;
  let at = Math.min(
    mappings[0]?.iovaPfn ?? Number.POSITIVE_INFINITY,
    regions[0]?.iovaPfn ?? Number.POSITIVE_INFINITY,
  );
  while (i < mappings.length || j < regions.length) {
    const mapping = mappings[i];
    const region = regions[j];
    const mappingStart = mapping?.iovaPfn ?? Number.POSITIVE_INFINITY;
    const regionStart = region?.iovaPfn ?? Number.POSITIVE_INFINITY;
    at = Math.max(at, Math.min(mappingStart, regionStart));
    const mappingEnd = mapping === undefined ? Number.POSITIVE_INFINITY : mapping.iovaPfn + mapping.pages;
    const regionEnd = region === undefined ? Number.POSITIVE_INFINITY : region.iovaPfn + region.pages;
    const old = mapping !== undefined && mappingStart <= at ? mapping : null;
    const next = region !== undefined && regionStart <= at ? region : null;
    const end = Math.min(old === null ? mappingStart : mappingEnd, next === null ? regionStart : regionEnd);
    if (old === null || next === null || !isKept(old, next, mm)) {
      ranges.push({ start: at, end, old, next });
      if (old === null) pagesAdded += end - at;
      else if (next === null) pagesRemoved += end - at;
      else pagesChanged += end - at;
    }
    at = end;
    if (mappingEnd === at) i++;
    if (regionEnd === at) j++;
  }
  return { ranges, pagesAdded, pagesRemoved, pagesChanged };
}

/** Same process page for each IOVA page, same rights, same process. */
function isKept(old: Mapping, next: Region, mm: AddressSpace): boolean {
  return (
    old.mm === mm && old.rights === next.rights && old.vaddrPfn - old.iovaPfn === next.vaddrPfn - next.iovaPfn
  );
}

/** True iff a region asks for exactly what a mapping is. */
export const isSameMapping = (old: Mapping, next: Region, mm: AddressSpace): boolean =>
  old.iovaPfn === next.iovaPfn && old.pages === next.pages && isKept(old, next, mm);
