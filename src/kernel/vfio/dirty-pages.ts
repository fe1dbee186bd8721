import {
  decode,
  Errno,
  type ValueOf,
  VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP,
  VFIO_IOMMU_DIRTY_PAGES_FLAG_START,
  VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP,
  vfio_iommu_type1_dirty_bitmap,
  vfio_iommu_type1_dirty_bitmap_get,
} from "../../uapi/index.ts";
import { bytesToPage } from "../../units/index.ts";
import type { Process } from "../process.ts";
import { checkUserBitmap, reportDirtyPages, startTracking, stopTracking } from "./dirty-bitmap.ts";
import { gatherWrites, tellsWrites } from "./dirty-writes.ts";
import { firstEndingAfter } from "./mapping.ts";
import { cutsMapping } from "./range-rules.ts";
import type { Type1 } from "./type1.ts";
import { copyArgument, wraps } from "./user-argument.ts";

/**
 * VFIO_IOMMU_DIRTY_PAGES: start or stop tracking (both may be repeated), or read the bitmap of a range.
 *
 * Where every IOMMU of the container marks what devices write, reading tells exactly the pages written since they were last
 * told (whole leaves; all of a leaf that has just replaced others) and forgets them; else every mapped page. A call that
 * fails forgets nothing.
 */
export function dirtyPages(iommu: Type1, process: Process, argument: bigint, head: Uint8Array): number {
  const { argsz, flags } = decode(vfio_iommu_type1_dirty_bitmap, head);
  switch (flags) {
    case VFIO_IOMMU_DIRTY_PAGES_FLAG_START:
      return startTracking(iommu);
    case VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP:
      stopTracking(iommu);
      return 0;
    case VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP:
      return getBitmap(iommu, process, argument, argsz);
    default:
      return -Errno.EINVAL;
  }
}

function getBitmap(iommu: Type1, process: Process, argument: bigint, argsz: number): number {
  const at = vfio_iommu_type1_dirty_bitmap.minSizeBytes;
  if (argsz < at + vfio_iommu_type1_dirty_bitmap_get.sizeBytes) return -Errno.EINVAL;
  const bytes = copyArgument(process.mm, argument + BigInt(at), vfio_iommu_type1_dirty_bitmap_get.sizeBytes);
  if (bytes === null) return -Errno.EFAULT;
  const range = decode(vfio_iommu_type1_dirty_bitmap_get, bytes);
  const error = checkRange(iommu, range);
  if (error < 0) return error;
  const start = bytesToPage(range.iova);
  const end = start + Number(range.size >> 12n);
  if (cutsMapping(iommu, start, end)) return -Errno.EINVAL;
  const told = tellsWrites(iommu) ? "known" : "all";
  if (told === "known") gatherWrites(iommu, iommu.domains, start, end);
  const { mappings } = iommu;
  const first = firstEndingAfter(mappings, start);
  let i = first;
  for (; i < mappings.length && mappings[i]!.iovaPfn < end; i++) {
    const failed = reportDirtyPages(process, mappings[i]!, start, range.bitmap.data, told);
    if (failed < 0) return failed;
  }
  if (told === "known") for (const mapping of mappings.slice(first, i)) mapping.dirty!.fill(0);
  return 0;
}

function checkRange(iommu: Type1, range: ValueOf<typeof vfio_iommu_type1_dirty_bitmap_get>): number {
  const { iova, size, bitmap } = range;
  if (size === 0n) return -Errno.EINVAL;
  if (wraps(iova, size)) return -iommu.behaviour.wrapErrno;
  if (!iommu.behaviour.dirtyRangeMayReachTop && wraps(iova, size + 1n)) return -Errno.EINVAL;
  const error = checkUserBitmap(bitmap, size);
  if (error < 0) return error;
  const pageBytes = iommu.smallestPageBytes;
  if (bitmap.pgsize !== pageBytes || (iova | size) & (pageBytes - 1n)) return -Errno.EINVAL;
  return iommu.trackingDirty ? 0 : -Errno.EINVAL;
}
