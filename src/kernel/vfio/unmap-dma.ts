import {
  decode,
  Errno,
  encode,
  type ValueOf,
  VFIO_DMA_UNMAP_FLAG_ALL,
  VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP,
  VFIO_DMA_UNMAP_FLAG_VADDR,
  vfio_bitmap,
  vfio_iommu_type1_dma_unmap,
} from "../../uapi/index.ts";
import { bytesToPage, pageToBytes } from "../../units/index.ts";
import type { Process } from "../process.ts";
import { checkUserBitmap, reportDirtyPages } from "./dirty-bitmap.ts";
import { firstEndingAfter } from "./mapping.ts";
import { cutsMapping } from "./range-rules.ts";
import { releaseMapping } from "./remove-mapping.ts";
import type { Type1 } from "./type1.ts";
import { copyArgument, wraps } from "./user-argument.ts";

type Unmap = ValueOf<typeof vfio_iommu_type1_dma_unmap>;
type Bitmap = ValueOf<typeof vfio_bitmap>;

const KNOWN_FLAGS =
  VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP | VFIO_DMA_UNMAP_FLAG_ALL | VFIO_DMA_UNMAP_FLAG_VADDR;
const WHOLE_SPACE_PAGES = 2 ** 52;

/**
 * VFIO_IOMMU_UNMAP_DMA: removes the mappings of a range, or with VADDR takes their process addresses away. The bytes unmapped
 * are written back on success only; with a bitmap that cannot be written the mappings in front of the bad one are gone.
 * A bitmap tells every page unmapped as dirty, whatever the IOMMU knows: what devices write until the invalidation is
 * complete would be missing in one that was made before.
 */
export function unmapDma(iommu: Type1, process: Process, argument: bigint, head: Uint8Array): number {
  const unmap: Unmap = { ...decode(vfio_iommu_type1_dma_unmap, head), data: new Uint8Array() };
  if (unmap.flags & ~KNOWN_FLAGS) return -Errno.EINVAL;
  let bitmap: Bitmap | null = null;
  if (unmap.flags & VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP) {
    const found = bitmapOf(unmap, process, argument);
    if (typeof found === "number") return found;
    bitmap = found;
  }
  const error = checkRange(iommu, unmap, bitmap);
  if (error < 0) return error;

  const all = (unmap.flags & VFIO_DMA_UNMAP_FLAG_ALL) !== 0;
  const start = bytesToPage(unmap.iova);
  const end = all ? WHOLE_SPACE_PAGES : start + Number(unmap.size >> 12n);
  if (iommu.v2 && !all && cutsMapping(iommu, start, end)) return -Errno.EINVAL;
  const concerned = concernedBy(iommu, start, end);
  const pages =
    unmap.flags & VFIO_DMA_UNMAP_FLAG_VADDR
      ? invalidateVaddr(iommu, concerned)
      : removeMappings(iommu, process, concerned, bitmap && { base: start, data: bitmap.data });
  if (pages < 0) return pages;
  return process.mm.copyToUser(
    argument,
    encode(vfio_iommu_type1_dma_unmap, { ...unmap, size: pageToBytes(pages) }),
  );
}

/** The struct vfio_bitmap behind an unmap that wants dirty pages, or -errno. */
function bitmapOf(unmap: Unmap, process: Process, argument: bigint): Bitmap | number {
  if (unmap.flags & (VFIO_DMA_UNMAP_FLAG_ALL | VFIO_DMA_UNMAP_FLAG_VADDR)) return -Errno.EINVAL;
  const at = vfio_iommu_type1_dma_unmap.minSizeBytes;
  if (unmap.argsz < at + vfio_bitmap.sizeBytes) return -Errno.EINVAL;
  const bytes = copyArgument(process.mm, argument + BigInt(at), vfio_bitmap.sizeBytes);
  if (bytes === null) return -Errno.EFAULT;
  const bitmap = decode(vfio_bitmap, bytes);
  const error = checkUserBitmap(bitmap, unmap.size);
  return error < 0 ? error : bitmap;
}

function checkRange(iommu: Type1, unmap: Unmap, bitmap: Bitmap | null): number {
  const pageBytes = iommu.smallestPageBytes;
  const { iova, size } = unmap;
  if (iova & (pageBytes - 1n)) return -Errno.EINVAL;
  if (unmap.flags & VFIO_DMA_UNMAP_FLAG_ALL) return iova === 0n && size === 0n ? 0 : -Errno.EINVAL;
  if (size === 0n || size & (pageBytes - 1n)) return -Errno.EINVAL;
  if (wraps(iova, size)) return -iommu.behaviour.wrapErrno;
  if (bitmap !== null && (!iommu.trackingDirty || bitmap.pgsize !== pageBytes)) return -Errno.EINVAL;
  return 0;
}

/** Mappings [from, to) of the sorted list. */
interface Slice {
  readonly from: number;
  readonly to: number;
}

/**
 * The mappings an unmap of [start, end) concerns. Version 2: those in the range, which cuts none. Version 1: a range that
 * starts inside a mapping concerns nothing at all; otherwise whatever begins in the range goes whole.
 */
function concernedBy({ mappings }: Type1, start: number, end: number): Slice {
  const from = firstEndingAfter(mappings, start);
  const first = mappings[from];
  if (first === undefined || first.iovaPfn < start) return { from, to: from };
  let to = from;
  while (to < mappings.length && mappings[to]!.iovaPfn < end) to++;
  return { from, to };
}

/** Returns the pages removed, or -EFAULT / -ENOMEM with the mappings in front of the failing one removed. */
function removeMappings(
  iommu: Type1,
  process: Process,
  { from, to }: Slice,
  report: { base: number; data: bigint } | null,
): number {
  let pages = 0;
  let error = 0;
  let gone = from;
  for (; gone < to; gone++) {
    const mapping = iommu.mappings[gone]!;
    if (report !== null) error = reportDirtyPages(process, mapping, report.base, report.data, "all");
    if (error === 0) error = releaseMapping(iommu, mapping);
    if (error < 0) break;
    pages += mapping.pages;
  }
  iommu.mappings.splice(from, gone - from);
  if (gone > from) iommu.generation++;
  return error < 0 ? error : pages;
}

/** Returns the pages whose address is gone, or -EINVAL with nothing changed when one has none already. */
function invalidateVaddr(iommu: Type1, { from, to }: Slice): number {
  const mappings = iommu.mappings.slice(from, to);
  if (mappings.some((mapping) => mapping.vaddrInvalid)) return -Errno.EINVAL;
  for (const mapping of mappings) mapping.vaddrInvalid = true;
  iommu.vaddrInvalidCount += mappings.length;
  return mappings.reduce((pages, mapping) => pages + mapping.pages, 0);
}
