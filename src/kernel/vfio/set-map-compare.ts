import type { AddressSpace } from "../mm/types.ts";
import type { Mapping } from "./mapping.ts";
import {
  decodeRegions,
  equalHead,
  equalTail,
  isInListOrder,
  type Region,
  type RegionError,
  sortRegions,
} from "./set-map-regions.ts";
import type { Type1 } from "./type1.ts";

/** The list of the last successful SET_MAP, word for word. */
export interface ListInForce {
  words: Uint32Array<ArrayBuffer>;
  count: number;
  /** Its regions stood in IOVA order: region i is mapping i. */
  inOrder: boolean;
  /** Generation the list made; when another is in force the list is history. */
  generation: number;
  /** Process whose memory the list names. */
  mm: AddressSpace | null;
}

/** The part of a new list that is not, word for word, the list in force. */
export interface Change {
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
 * meanwhile, is decoded whole.
 */
export function compareLists(
  iommu: Type1,
  mm: AddressSpace,
  words: Uint32Array,
  count: number,
  inForce: ListInForce,
): Change | RegionError {
  const usable = iommu.iovaRanges;
  if (inForce.generation === iommu.generation && inForce.mm === mm && inForce.inOrder) {
    const shared = Math.min(count, inForce.count);
    const head = equalHead(words, inForce.words, shared);
    const tail = equalTail(words, count, inForce.words, inForce.count, shared - head);
    const regions = decodeRegions(words, head, count - tail, usable);
    if ("errno" in regions) return regions;
    const oldEnd = inForce.count - tail;
    const sorted = sortRegions(regions) === null && isInListOrder(regions);
    if (sorted && fitsBetween(iommu.mappings, head, oldEnd, regions))
      return { from: head, oldEnd, regions, inOrder: true };
  }
  const regions = decodeRegions(words, 0, count, usable);
  if ("errno" in regions) return regions;
  const overlap = sortRegions(regions);
  if (overlap !== null) return overlap;
  return { from: 0, oldEnd: iommu.mappings.length, regions, inOrder: isInListOrder(regions) };
}

/** True iff the regions lie between the mappings kept before and behind them. */
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
