import {
  VFIO_DMA_MAP_FLAG_READ,
  VFIO_DMA_MAP_FLAG_VADDR,
  VFIO_DMA_MAP_FLAG_WRITE,
  VFIO_DMA_UNMAP_FLAG_ALL,
  VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP,
  VFIO_DMA_UNMAP_FLAG_VADDR,
  VFIO_GROUP_FLAGS_CONTAINER_SET,
  VFIO_GROUP_FLAGS_VIABLE,
  VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP,
  VFIO_IOMMU_DIRTY_PAGES_FLAG_START,
  VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP,
  VFIO_IOMMU_INFO_CAPS,
  VFIO_IOMMU_INFO_PGSIZES,
} from "./constants.ts";
import { bit, defineStruct, type Struct } from "./descriptor.ts";

/* The structs of include/uapi/linux/vfio.h that a type1 container uses: upstream's names and layout, our words. */

const argsz = {
  name: "argsz",
  type: "u32",
  doc: "size of the argument in bytes, set by the caller",
} as const;

export const vfio_info_cap_header = defineStruct(
  "vfio_info_cap_header",
  "start of every capability in an info chain",
  [
    { name: "id", type: "u16", doc: "which capability" },
    { name: "version", type: "u16", doc: "version of its layout" },
    { name: "next", type: "u32", doc: "offset of the next one from the start of the info struct, 0 = last" },
  ],
);

export const vfio_group_status = defineStruct(
  "vfio_group_status",
  "state of a group (VFIO_GROUP_GET_STATUS)",
  [
    argsz,
    {
      name: "flags",
      type: "u32",
      doc: "out",
      bits: [
        bit({ VFIO_GROUP_FLAGS_VIABLE }, "every device of the group is bound safely"),
        bit({ VFIO_GROUP_FLAGS_CONTAINER_SET }, "the group is attached to a container"),
      ],
    },
  ],
  { argument: true },
);

export const vfio_iommu_type1_info = defineStruct(
  "vfio_iommu_type1_info",
  "what the IOMMU offers (VFIO_IOMMU_GET_INFO)",
  [
    { name: "argsz", type: "u32", doc: "in: size of the buffer; out: size needed, in bytes" },
    {
      name: "flags",
      type: "u32",
      doc: "out",
      bits: [
        bit({ VFIO_IOMMU_INFO_PGSIZES }, "iova_pgsizes is valid"),
        bit({ VFIO_IOMMU_INFO_CAPS }, "there are capabilities"),
      ],
    },
    { name: "iova_pgsizes", type: "u64", doc: "bitmap of page sizes in bytes" },
    {
      name: "cap_offset",
      type: "u32",
      doc: "offset of the first capability in bytes, 0 = argsz was too small",
    },
    { name: "pad", type: "u32", role: "reserved", doc: "zero; implicit padding before Linux 6.6" },
  ],
  { alignedU64: true, argument: true, lastMandatory: "iova_pgsizes" },
);

export const vfio_iova_range = defineStruct("vfio_iova_range", "one range of usable IOVA", [
  { name: "start", type: "u64", doc: "first byte address" },
  { name: "end", type: "u64", doc: "last byte address, inclusive" },
]);

export const vfio_iommu_type1_info_cap_iova_range = defineStruct(
  "vfio_iommu_type1_info_cap_iova_range",
  "the ranges of IOVA that can be mapped",
  [
    { name: "header", type: vfio_info_cap_header, doc: "VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE, version 1" },
    { name: "nr_iovas", type: "u32", doc: "number of ranges" },
    { name: "reserved", type: "u32", role: "reserved", doc: "zero" },
    { name: "iova_ranges", type: vfio_iova_range, countedBy: "nr_iovas", doc: "ascending, disjoint" },
  ],
);

export const vfio_iommu_type1_info_cap_migration = defineStruct(
  "vfio_iommu_type1_info_cap_migration",
  "what dirty page tracking offers",
  [
    { name: "header", type: vfio_info_cap_header, doc: "VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION, version 1" },
    { name: "flags", type: "u32", doc: "zero" },
    { name: "pgsize_bitmap", type: "u64", doc: "page sizes a bitmap may have, bitmap of sizes in bytes" },
    { name: "max_dirty_bitmap_size", type: "u64", doc: "largest bitmap in bytes" },
  ],
);

export const vfio_iommu_type1_info_dma_avail = defineStruct(
  "vfio_iommu_type1_info_dma_avail",
  "how many mappings can still be made",
  [
    { name: "header", type: vfio_info_cap_header, doc: "VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL, version 1" },
    { name: "avail", type: "u32", doc: "number of mappings" },
  ],
);

export const vfio_iommu_type1_dma_map = defineStruct(
  "vfio_iommu_type1_dma_map",
  "map process memory for devices (VFIO_IOMMU_MAP_DMA)",
  [
    argsz,
    {
      name: "flags",
      type: "u32",
      doc: "rights of the devices, or VADDR alone",
      bits: [
        bit({ VFIO_DMA_MAP_FLAG_READ }, "devices may read"),
        bit({ VFIO_DMA_MAP_FLAG_WRITE }, "devices may write"),
        bit({ VFIO_DMA_MAP_FLAG_VADDR }, "give a mapping its new vaddr"),
      ],
    },
    { name: "vaddr", type: "u64", doc: "process address in bytes" },
    { name: "iova", type: "u64", doc: "device address in bytes" },
    { name: "size", type: "u64", doc: "size in bytes" },
  ],
  { argument: true },
);

export const vfio_bitmap = defineStruct("vfio_bitmap", "a bitmap in process memory, one bit a page", [
  { name: "pgsize", type: "u64", doc: "bytes per bit" },
  { name: "size", type: "u64", doc: "size of the bitmap in bytes" },
  { name: "data", type: "uptr", role: "user-pointer", doc: "process address of the bitmap" },
]);

export const vfio_iommu_type1_dma_unmap = defineStruct(
  "vfio_iommu_type1_dma_unmap",
  "remove mappings (VFIO_IOMMU_UNMAP_DMA)",
  [
    argsz,
    {
      name: "flags",
      type: "u32",
      doc: "what else to do",
      bits: [
        bit(
          { VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP },
          "a struct vfio_bitmap in data receives the dirty pages",
        ),
        bit({ VFIO_DMA_UNMAP_FLAG_ALL }, "everything; iova and size are zero"),
        bit({ VFIO_DMA_UNMAP_FLAG_VADDR }, "keep the mapping, forget its vaddr"),
      ],
    },
    { name: "iova", type: "u64", doc: "device address in bytes" },
    { name: "size", type: "u64", doc: "in: size; out: bytes unmapped" },
    { name: "data", type: "u8", countedBy: "argsz", doc: "depends on flags" },
  ],
  { argument: true },
);

export const vfio_iommu_type1_dirty_bitmap = defineStruct(
  "vfio_iommu_type1_dirty_bitmap",
  "control dirty page tracking (VFIO_IOMMU_DIRTY_PAGES)",
  [
    argsz,
    {
      name: "flags",
      type: "u32",
      doc: "exactly one",
      bits: [
        bit({ VFIO_IOMMU_DIRTY_PAGES_FLAG_START }, "start tracking"),
        bit({ VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP }, "stop tracking"),
        bit(
          { VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP },
          "read; data holds a struct vfio_iommu_type1_dirty_bitmap_get",
        ),
      ],
    },
    { name: "data", type: "u8", countedBy: "argsz", doc: "depends on flags" },
  ],
  { argument: true },
);

export const vfio_iommu_type1_dirty_bitmap_get = defineStruct(
  "vfio_iommu_type1_dirty_bitmap_get",
  "range whose dirty pages are wanted",
  [
    { name: "iova", type: "u64", doc: "device address in bytes" },
    { name: "size", type: "u64", doc: "size in bytes" },
    { name: "bitmap", type: vfio_bitmap, doc: "receives one bit a page" },
  ],
);

/** In the order a header declares them. */
export const UPSTREAM_STRUCTS: readonly Struct[] = [
  vfio_info_cap_header,
  vfio_group_status,
  vfio_iommu_type1_info,
  vfio_iova_range,
  vfio_iommu_type1_info_cap_iova_range,
  vfio_iommu_type1_info_cap_migration,
  vfio_iommu_type1_info_dma_avail,
  vfio_iommu_type1_dma_map,
  vfio_bitmap,
  vfio_iommu_type1_dma_unmap,
  vfio_iommu_type1_dirty_bitmap,
  vfio_iommu_type1_dirty_bitmap_get,
];
