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
import { firstEndingAfter } from "./mapping.ts";
import { cutsMapping } from "./range-rules.ts";
import type { Type1 } from "./type1.ts";
import { copyArgument, wraps } from "./user-argument.ts";

/** VFIO_IOMMU_DIRTY_PAGES: start or stop tracking (both may be repeated), or read the bitmap of a range. */
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
  const { mappings } = iommu;
  for (let i = firstEndingAfter(mappings, start); i < mappings.length; i++) {
    const mapping = mappings[i]!;
    if (mapping.iovaPfn >= end) break;
    const failed = reportDirtyPages(process, mapping, start, range.bitmap.data);
    if (failed < 0) return failed;
  }
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
