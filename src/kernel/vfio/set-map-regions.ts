import { Errno } from "../../uapi/index.ts";
import { type IovaPfn, iovaPfn, type Rights, type VaddrPfn, vaddrPfn } from "../../units/index.ts";
import { type IovaRange, isUsable } from "./iova-ranges.ts";

/*
 * The list of regions of one VFIO_IOMMU_SET_MAP call: its raw words, and the middle part that differs from the list in
 * force, decoded and checked. Equal words need no second check: they passed when they came in.
 */

/** Words of a struct vfio_iommu_type1_map_region: iova, size, vaddr (two words each), flags, reserved. */
export const REGION_WORDS = 8;
export const REGION_BYTES = 32;

const PAGE_MASK = 0xfff;
const PAGES_PER_HIGH = 2 ** 20;
/** Page numbers of a 64-bit address space. */
const ADDRESS_SPACE_PAGES = 2 ** 52;
const REGION_FLAGS = 3;

/** One region in page numbers. `index` is its place in the caller's list. */
export interface Region {
  readonly iovaPfn: IovaPfn;
  readonly pages: number;
  readonly vaddrPfn: VaddrPfn;
  readonly rights: Rights;
  readonly index: number;
}

/** Why a list is refused: which region, which errno. */
export interface RegionError {
  readonly errno: number;
  readonly index: number;
}

/** Decodes the first `count` regions of `words`; their place in the caller's list starts at `listIndex`. Each is checked by
 * itself, in list order (check order: errno table of SET_MAP). */
export function decodeRegions(
  words: Uint32Array,
  count: number,
  listIndex: number,
  usable: readonly IovaRange[],
): Region[] | RegionError {
  const regions: Region[] = [];
  for (let i = 0; i < count; i++) {
    const index = listIndex + i;
    const at = i * REGION_WORDS;
    const iovaLow = words[at]!;
    const sizeLow = words[at + 2]!;
    const vaddrLow = words[at + 4]!;
    const flags = words[at + 6]!;
    if (sizeLow === 0 && words[at + 3] === 0) return { errno: -Errno.EINVAL, index };
    if (((iovaLow | sizeLow | vaddrLow) & PAGE_MASK) !== 0) return { errno: -Errno.EINVAL, index };
    if (flags === 0 || (flags & ~REGION_FLAGS) !== 0 || words[at + 7] !== 0)
      return { errno: -Errno.EINVAL, index };
    const first = words[at + 1]! * PAGES_PER_HIGH + (iovaLow >>> 12);
    const pages = words[at + 3]! * PAGES_PER_HIGH + (sizeLow >>> 12);
    const vaddr = words[at + 5]! * PAGES_PER_HIGH + (vaddrLow >>> 12);
    if (first + pages > ADDRESS_SPACE_PAGES || vaddr + pages > ADDRESS_SPACE_PAGES)
      return { errno: -Errno.EOVERFLOW, index };
    if (!isUsable(usable, first, first + pages)) return { errno: -Errno.EINVAL, index };
    regions.push({ iovaPfn: iovaPfn(first), pages, vaddrPfn: vaddrPfn(vaddr), rights: flags, index });
  }
  return regions;
}

/** Sorts regions by IOVA unless they are; an overlap is refused, naming the region listed later. */
export function sortRegions(regions: Region[]): RegionError | null {
  let sorted = true;
  for (let i = 1; i < regions.length && sorted; i++) sorted = regions[i - 1]!.iovaPfn <= regions[i]!.iovaPfn;
  if (!sorted) regions.sort((a, b) => a.iovaPfn - b.iovaPfn);
  let bad = -1;
  for (let i = 1; i < regions.length; i++) {
    const before = regions[i - 1]!;
    const region = regions[i]!;
    if (before.iovaPfn + before.pages <= region.iovaPfn) continue;
    const later = Math.max(before.index, region.index);
    if (bad < 0 || later < bad) bad = later;
  }
  return bad < 0 ? null : { errno: -Errno.EEXIST, index: bad };
}

/** True iff the regions stand in the list in IOVA order. */
export function isInListOrder(regions: readonly Region[]): boolean {
  for (let i = 1; i < regions.length; i++) if (regions[i - 1]!.index > regions[i]!.index) return false;
  return true;
}
