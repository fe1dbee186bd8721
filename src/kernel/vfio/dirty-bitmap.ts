import { Errno, type ValueOf, type vfio_bitmap } from "../../uapi/index.ts";
import type { Process } from "../process.ts";
import { dropWrites } from "./dirty-writes.ts";
import type { Mapping } from "./mapping.ts";
import { orLowBits, orShifted, setBits } from "./page-bits.ts";
import type { Type1 } from "./type1.ts";
import { isUserRange } from "./user-argument.ts";

/** Largest number of pages one bitmap covers: INT_MAX. */
const MAX_BITMAP_PAGES = 2 ** 31 - 1;
/** Largest bitmap a caller may pass. */
export const MAX_BITMAP_BYTES = 2 ** 28;

/** Bytes of a bitmap that user space provides for `pages` pages: whole 64-bit words. */
const bitmapBytes = (pages: bigint): bigint => ((pages + 63n) / 64n) * 8n;

/** Gives a mapping its bitmap. Returns 0, -EINVAL for a mapping no bitmap can cover, or -ENOMEM. */
export function allocateDirtyBitmap(iommu: Type1, mapping: Mapping): number {
  if (mapping.pages > MAX_BITMAP_PAGES) return -Errno.EINVAL;
  if (iommu.kernel.faults.shouldFail("bitmap")) return -Errno.ENOMEM;
  mapping.dirty = new Uint8Array(Math.ceil(mapping.pages / 8));
  return 0;
}

/**
 * Starts tracking in all mappings or none. What was written before does not count: where walkers set dirty bits, they are
 * cleared, once nothing can fail any more. Returns 0 or -errno.
 */
export function startTracking(iommu: Type1): number {
  if (iommu.trackingDirty) return 0;
  for (const mapping of iommu.mappings) {
    const error = allocateDirtyBitmap(iommu, mapping);
    if (error < 0) {
      for (const other of iommu.mappings) other.dirty = null;
      return error;
    }
  }
  iommu.trackingDirty = true;
  dropWrites(iommu);
  return 0;
}

export function stopTracking(iommu: Type1): void {
  iommu.trackingDirty = false;
  for (const mapping of iommu.mappings) mapping.dirty = null;
}

/** Could this bitmap hold the dirty pages of `sizeBytes`? Returns 0 or -EINVAL; whether it can be written shows later. */
export function checkUserBitmap(bitmap: ValueOf<typeof vfio_bitmap>, sizeBytes: bigint): number {
  if (!isUserRange(bitmap.data, bitmap.size)) return -Errno.EINVAL;
  if (bitmap.pgsize === 0n) return -Errno.EINVAL;
  const pages = sizeBytes / (bitmap.pgsize & -bitmap.pgsize);
  const fits = bitmap.size <= BigInt(MAX_BITMAP_BYTES) && bitmap.size >= bitmapBytes(pages);
  return pages > 0n && bitmap.size > 0n && fits ? 0 : -Errno.EINVAL;
}

/** Pages reported in one copy: bounds the kernel's buffer. */
const CHUNK_BYTES = 1 << 16;

/** Which pages a report tells: every one, or those whose bits are set in the mapping's bitmap. */
export type Told = "all" | "known";

/**
 * Writes the dirty pages of one mapping into the user's bitmap, whose bit 0 is page `base`. The words the mapping's bits lie
 * in are written whole: bits in front of the mapping are kept as the user has them, bits behind it become zero. Nothing is
 * written where nothing is mapped. The mapping's own bitmap stays as it is. Returns 0 or -EFAULT. Pre: tracking is on.
 */
export function reportDirtyPages(
  process: Process,
  mapping: Mapping,
  base: number,
  bitmap: bigint,
  told: Told,
): number {
  const firstBit = mapping.iovaPfn - base;
  const endBit = firstBit + mapping.pages;
  const startByte = Math.floor(firstBit / 64) * 8;
  const endByte = Math.ceil(endBit / 64) * 8;
  const word = new Uint8Array(8);
  if (firstBit % 64 !== 0 && process.mm.copyFromUser(word, bitmap + BigInt(startByte)) < 0)
    return -Errno.EFAULT;
  for (let at = startByte; at < endByte; at += CHUNK_BYTES) {
    const bytes = new Uint8Array(Math.min(CHUNK_BYTES, endByte - at));
    if (told === "known") orShifted(bytes, mapping.dirty!, at * 8 - firstBit);
    else setBits(bytes, Math.max(0, firstBit - at * 8), Math.min(bytes.length * 8, endBit - at * 8));
    if (at === startByte) orLowBits(bytes, word, firstBit % 64);
    if (process.mm.copyToUser(bitmap + BigInt(at), bytes) < 0) return -Errno.EFAULT;
  }
  return 0;
}
