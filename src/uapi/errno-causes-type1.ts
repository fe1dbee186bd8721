import type { ErrnoCause } from "./errno-cause.ts";

/* drivers/vfio/vfio_iommu_type1.c, corrected by recordings of real kernels. Before VFIO_SET_IOMMU all of these are EINVAL. */

/** A range that ends at 2^64 or beyond: newer kernels name the overflow. */
const WRAP_DIFFERS = { "6.1": "EINVAL", "6.12": "EINVAL" } as const;

export const MAP_DMA_CAUSES: readonly ErrnoCause[] = [
  { errno: "EFAULT", cause: "the struct cannot be read" },
  { errno: "EINVAL", cause: "argsz < 32, or an unknown flag" },
  { errno: "EINVAL", cause: "size is 0" },
  { errno: "EOVERFLOW", cause: "iova or vaddr wraps around", differs: WRAP_DIFFERS },
  { errno: "EINVAL", cause: "VADDR together with READ or WRITE, or no flag at all" },
  { errno: "EINVAL", cause: "iova, size or vaddr is no multiple of the smallest IOMMU page" },
  { errno: "ENOENT", cause: "VADDR: nothing is mapped at iova" },
  { errno: "EINVAL", cause: "VADDR: the mapping still has its vaddr, or is not exactly this range" },
  { errno: "EEXIST", cause: "something in the range is already mapped" },
  { errno: "ENOSPC", cause: "the container has no mapping left (dma_entry_limit, read at VFIO_SET_IOMMU)" },
  { errno: "EINVAL", cause: "not inside one of the usable IOVA ranges" },
  { errno: "ENOMEM", cause: "no memory to track the mapping" },
  {
    errno: "EFAULT",
    cause: "vaddr is not mapped, or not writable for WRITE: found run by run, while pinning",
  },
  { errno: "ENOMEM", cause: "a pinned run would exceed RLIMIT_MEMLOCK without CAP_IPC_LOCK" },
  { errno: "ENOMEM", cause: "no memory for page tables, or for the dirty bitmap while tracking is on" },
];

export const UNMAP_DMA_CAUSES: readonly ErrnoCause[] = [
  { errno: "EFAULT", cause: "the struct cannot be read" },
  { errno: "EINVAL", cause: "argsz < 24, or an unknown flag" },
  { errno: "EINVAL", cause: "GET_DIRTY_BITMAP together with ALL or VADDR" },
  { errno: "EINVAL", cause: "GET_DIRTY_BITMAP: argsz < 48" },
  { errno: "EFAULT", cause: "GET_DIRTY_BITMAP: struct vfio_bitmap cannot be read" },
  { errno: "EINVAL", cause: "GET_DIRTY_BITMAP: no pages, or a bitmap too small, empty or over 256 MiB" },
  { errno: "EINVAL", cause: "iova is no multiple of the smallest IOMMU page" },
  { errno: "EINVAL", cause: "ALL: iova or size is not 0" },
  { errno: "EINVAL", cause: "size is 0 or no multiple of the smallest IOMMU page" },
  { errno: "EOVERFLOW", cause: "iova wraps around", differs: WRAP_DIFFERS },
  { errno: "EINVAL", cause: "GET_DIRTY_BITMAP: tracking is off, or pgsize is not the smallest IOMMU page" },
  { errno: "EINVAL", cause: "v2: a mapping crosses the start or the end of the range; nothing changed" },
  { errno: "EINVAL", cause: "VADDR: a mapping already lost its vaddr; the others get theirs back" },
  {
    errno: "EFAULT",
    cause: "the bitmap cannot be written; mappings in front of it are gone",
  },
  { errno: "EFAULT", cause: "the struct cannot be written; the mappings are gone all the same" },
];

export const DIRTY_PAGES_CAUSES: readonly ErrnoCause[] = [
  { errno: "EACCES", cause: "the container is of type v1" },
  { errno: "EFAULT", cause: "the struct cannot be read" },
  { errno: "EINVAL", cause: "argsz < 8, an unknown flag, or not exactly one flag" },
  { errno: "ENOMEM", cause: "START: no memory for bitmaps" },
  { errno: "EINVAL", cause: "GET_BITMAP: argsz < 48" },
  { errno: "EFAULT", cause: "GET_BITMAP: struct vfio_iommu_type1_dirty_bitmap_get cannot be read" },
  { errno: "EOVERFLOW", cause: "GET_BITMAP: iova wraps around", differs: WRAP_DIFFERS },
  {
    errno: "EINVAL",
    cause: "GET_BITMAP: the last byte of the range is 2^64 - 1",
    differs: { "7.3": "success" },
  },
  { errno: "EINVAL", cause: "GET_BITMAP: no pages, or a bitmap too small, empty or over 256 MiB" },
  {
    errno: "EINVAL",
    cause: "GET_BITMAP: pgsize is not the smallest IOMMU page, or iova or size no multiple of it",
  },
  { errno: "EINVAL", cause: "GET_BITMAP: tracking is off" },
  { errno: "EINVAL", cause: "GET_BITMAP: a mapping crosses the start or the end of the range" },
  { errno: "EFAULT", cause: "GET_BITMAP: the bitmap cannot be written" },
];
