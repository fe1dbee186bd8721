import type { AddressSpace } from "../mm/types.ts";
import type { Mapping } from "./mapping.ts";
import type { SetMapArgument } from "./set-map-argument.ts";
import { type ListInForce, type Middle, readAll, readMiddle } from "./set-map-list.ts";
import {
  decodeRegions,
  isInListOrder,
  type Region,
  type RegionError,
  sortRegions,
} from "./set-map-regions.ts";
import type { Type1 } from "./type1.ts";

/** The part of a new list that is not, word for word, the list in force. */
export interface Change {
  readonly middle: Middle;
  /** Mappings [from, oldEnd) are compared with `regions`; those outside are kept as they are. */
  readonly from: number;
  readonly oldEnd: number;
  /** Sorted by IOVA, free of overlap. */
  readonly regions: readonly Region[];
  /** The whole new list stands in IOVA order. */
  readonly inOrder: boolean;
}

/**
 * Skips the head and the tail that are word for word those of the list in force, and decodes and checks what lies between:
 * the cost of a small change is reading the list once. A list out of IOVA order, or a container that other ioctls changed
 * meanwhile, is read and decoded whole.
 */
export function compareLists(
  iommu: Type1,
  mm: AddressSpace,
  argument: SetMapArgument,
  inForce: ListInForce,
): Change | RegionError {
  const usable = iommu.iovaRanges;
  if (inForce.generation === iommu.generation && inForce.mm === mm && inForce.inOrder) {
    const middle = readMiddle(mm, argument, inForce);
    if ("errno" in middle) return middle;
    const from = middle.head;
    const regions = decodeRegions(middle.words, middle.count, from, usable);
    if ("errno" in regions) return regions;
    const oldEnd = inForce.count - middle.tail;
    const sorted = sortRegions(regions) === null && isInListOrder(regions);
    if (sorted && fitsBetween(iommu.mappings, from, oldEnd, regions))
      return { middle, from, oldEnd, regions, inOrder: true };
  }
  const middle = readAll(mm, argument);
  if ("errno" in middle) return middle;
  const regions = decodeRegions(middle.words, middle.count, 0, usable);
  if ("errno" in regions) return regions;
  const overlap = sortRegions(regions);
  if (overlap !== null) return overlap;
  return { middle, from: 0, oldEnd: iommu.mappings.length, regions, inOrder: isInListOrder(regions) };
}

/** True iff the regions lie between the mappings that are kept before and behind them. */
function fitsBetween(
  mappings: readonly Mapping[],
  from: number,
  oldEnd: number,
  regions: readonly Region[],
): boolean {
  const first = regions[0];
  const last = regions[regions.length - 1];
  if (first === undefined || last === undefined) return true;
  const before = mappings[from - 1];
  const behind = mappings[oldEnd];
  return (
    (before === undefined || before.iovaPfn + before.pages <= first.iovaPfn) &&
    (behind === undefined || last.iovaPfn + last.pages <= behind.iovaPfn)
  );
}
