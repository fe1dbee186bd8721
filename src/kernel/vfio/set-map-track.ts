import { Errno } from "../../uapi/index.ts";
import type { AddressSpace } from "../mm/types.ts";
import { allocateDirtyBitmap } from "./dirty-bitmap.ts";
import { inheritDirty } from "./dirty-writes.ts";
import { firstEndingAfter, type Mapping } from "./mapping.ts";
import { type Delta, isSameMapping } from "./set-map-delta.ts";
import type { Region } from "./set-map-regions.ts";
import type { Reservation } from "./set-map-reserve.ts";
import type { Type1 } from "./type1.ts";

/**
 * The tracked mappings of the new map: as the user gave them, whatever leaves serve them. A region that asks for what a
 * mapping is already keeps the very object, dirty bitmap included; others inherit what is known of their pages. Returns -ENOMEM or -EINVAL when tracking entries or
 * bitmaps cannot be had. The old mappings are not written.
 */
export function track(
  iommu: Type1,
  old: readonly Mapping[],
  regions: readonly Region[],
  mm: AddressSpace,
): Mapping[] | number {
  const next: Mapping[] = [];
  let i = 0;
  for (const region of regions) {
    while (i < old.length && old[i]!.iovaPfn < region.iovaPfn) i++;
    const same = old[i];
    if (same !== undefined && isSameMapping(same, region, mm)) {
      next.push(same);
      continue;
    }
    if (mm.faults.shouldFail("tracking")) return -Errno.ENOMEM;
    const mapping: Mapping = {
      iovaPfn: region.iovaPfn,
      pages: region.pages,
      vaddrPfn: region.vaddrPfn,
      rights: region.rights,
      mm,
      lockCap: mm.capIpcLock,
      lockedPages: 0,
      dirty: null,
      vaddrInvalid: false,
    };
    if (iommu.trackingDirty) {
      const error = allocateDirtyBitmap(iommu, mapping);
      if (error < 0) return error;
      inheritDirty(mapping, old);
    }
    next.push(mapping);
  }
  return next;
}

/**
 * Moves charges: a kept page stays charged with the mapping that contains it now, a new page joins its mapping.
 * The account of the process is the caller's business. Cannot fail.
 */
export function moveCharges(
  old: readonly Mapping[],
  next: readonly Mapping[],
  delta: Delta,
  reservation: Reservation,
): void {
  const kept = new Set(next);
  for (const [index, range] of delta.ranges.entries()) {
    if (range.next === null) continue;
    next[firstEndingAfter(next, range.start)]!.lockedPages += reservation.charged[index]!;
  }
  for (const mapping of old) {
    if (kept.has(mapping)) continue;
    let left = mapping.lockedPages - (reservation.uncharged.get(mapping) ?? 0);
    for (const [start, end] of keptParts(mapping, delta)) {
      for (let at = start; at < end; ) {
        const heir = next[firstEndingAfter(next, at)]!;
        const to = Math.min(end, heir.iovaPfn + heir.pages);
        // Frames outside RAM are never charged; where a mapping has some, its parts share what is charged in order.
        const pages = Math.min(to - at, left);
        heir.lockedPages += pages;
        left -= pages;
        at = to;
      }
    }
  }
}

/** Parts of an old mapping that no range of the delta touches. */
function* keptParts(mapping: Mapping, delta: Delta): Generator<[number, number]> {
  const { ranges } = delta;
  const end = mapping.iovaPfn + mapping.pages;
  let at: number = mapping.iovaPfn;
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const mid = (low + high) >>> 1;
    if (ranges[mid]!.end > at) high = mid;
    else low = mid + 1;
  }
  for (let i = low; i < ranges.length && ranges[i]!.start < end; i++) {
    const range = ranges[i]!;
    if (range.start > at) yield [at, range.start];
    at = Math.max(at, range.end);
  }
  if (at < end) yield [at, end];
}
