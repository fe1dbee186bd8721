import { bit, defineStruct, type Struct } from "./descriptor.ts";
import { vfio_info_cap_header } from "./structs-type1.ts";

/* The structs of VFIO_IOMMU_SET_MAP. Upstream has nothing of the kind; the names follow its pattern. */

export const VFIO_IOMMU_SET_MAP_FLAG_DRY_RUN = 1 << 0;
export const VFIO_IOMMU_SET_MAP_FLAG_EXPECT_GENERATION = 1 << 1;
export const VFIO_IOMMU_SET_MAP_FLAG_ALLOW_BREAK = 1 << 2;
export const VFIO_IOMMU_SET_MAP_FLAG_EPOCH = 1 << 3;

/** Equal to VFIO_DMA_MAP_FLAG_READ / _WRITE, so that a caller can pass rights through. */
export const VFIO_IOMMU_MAP_REGION_FLAG_READ = 1 << 0;
export const VFIO_IOMMU_MAP_REGION_FLAG_WRITE = 1 << 1;

/** `bad_region` of a call that failed for no particular region, or did not fail. */
export const VFIO_IOMMU_MAP_REPORT_NO_REGION = 0xffff_ffff;

/** Upstream counts capability ids up from 1; ours start at 0x8000 so that the two never meet. */
export const VFIO_IOMMU_TYPE1_INFO_CAP_SET_MAP = 0x8001;

/** Largest argsz and region_size, in bytes: bounds the search for non-zero bytes behind what this version knows. */
export const SET_MAP_STRUCT_MAX_BYTES = 4096;

export const vfio_iommu_type1_map_region = defineStruct(
  "vfio_iommu_type1_map_region",
  "one region of a memory map",
  [
    { name: "iova", type: "u64", doc: "device address in bytes, multiple of the smallest IOMMU page" },
    { name: "size", type: "u64", doc: "size in bytes, same multiple, not 0" },
    { name: "vaddr", type: "u64", doc: "process address in bytes, same multiple" },
    {
      name: "flags",
      type: "u32",
      doc: "rights of the devices, at least one",
      bits: [
        bit({ VFIO_IOMMU_MAP_REGION_FLAG_READ }, "devices may read"),
        bit({ VFIO_IOMMU_MAP_REGION_FLAG_WRITE }, "devices may write"),
      ],
    },
    { name: "reserved", type: "u32", role: "reserved", doc: "must be zero" },
  ],
  {
    alignedU64: true,
    notes: [
      "Regions may come in any order and must not overlap. Adjacent regions whose vaddr continues and whose rights are " +
        "equal mean the same as one region over both.",
    ],
  },
);

export const vfio_iommu_type1_map_report = defineStruct(
  "vfio_iommu_type1_map_report",
  "what VFIO_IOMMU_SET_MAP did, or would do",
  [
    { name: "size", type: "u32", doc: "bytes of this struct that the kernel knows" },
    {
      name: "bad_region",
      type: "u32",
      doc: "index of the region that made the call fail",
      bits: [bit({ VFIO_IOMMU_MAP_REPORT_NO_REGION }, "none did")],
    },
    { name: "bytes_kept", type: "u64", doc: "bytes of IOVA mapped before and after, same vaddr and rights" },
    { name: "bytes_added", type: "u64", doc: "bytes of IOVA mapped only after" },
    { name: "bytes_removed", type: "u64", doc: "bytes of IOVA mapped only before" },
    {
      name: "bytes_changed",
      type: "u64",
      doc: "bytes of IOVA mapped before and after, other vaddr or rights",
    },
    { name: "leaves_stored", type: "u64", doc: "leaf entries written, in private tables and live ones" },
    { name: "leaves_split", type: "u64", doc: "leaves replaced by a table with the same translation" },
    { name: "leaves_merged", type: "u64", doc: "tables replaced by a leaf with the same translation" },
    {
      name: "entry_stores",
      type: "u64",
      doc: "64-bit stores to entries that devices can reach, and stores of roots",
    },
    { name: "tables_built", type: "u64", doc: "table pages put into service" },
    { name: "tables_freed", type: "u64", doc: "table pages given back" },
    { name: "invalidations", type: "u64", doc: "invalidation requests sent to the IOMMUs" },
    { name: "pages_pinned", type: "u64", doc: "4 KiB pages of process memory pinned by this call" },
    { name: "pages_unpinned", type: "u64", doc: "4 KiB pages of process memory unpinned by this call" },
    { name: "pages_pinned_peak", type: "u64", doc: "most 4 KiB pages the container had pinned meanwhile" },
    { name: "break_bytes", type: "u64", doc: "bytes of IOVA inside break windows" },
    { name: "break_ranges", type: "u64", doc: "number of break windows" },
  ],
  {
    alignedU64: true,
    lastMandatory: "bad_region",
    notes: [
      "The kernel writes the smaller of report_size and its own sizeof, which it leaves in @size: fields at or beyond " +
        "@size or report_size are untouched. New fields are appended.",
      "The report is written when the call succeeds, and when it fails after the report was found writable; then all " +
        "but @size and @bad_region are zero. Of two overlapping regions @bad_region names the one listed later.",
      "Memory for the report that disappears while the new map comes into force does not fail the call.",
      "Counts of work are sums over all IOMMU domains of the container; byte and page counts are not.",
    ],
  },
);

export const vfio_iommu_type1_set_map = defineStruct(
  "vfio_iommu_type1_set_map",
  "argument of VFIO_IOMMU_SET_MAP",
  [
    { name: "argsz", type: "u32", doc: "size of this struct in bytes, set by the caller" },
    {
      name: "flags",
      type: "u32",
      doc: "how to go about it",
      bits: [
        bit({ VFIO_IOMMU_SET_MAP_FLAG_DRY_RUN }, "reserve, plan, report, undo"),
        bit({ VFIO_IOMMU_SET_MAP_FLAG_EXPECT_GENERATION }, "fail if @generation is not in force"),
        bit({ VFIO_IOMMU_SET_MAP_FLAG_ALLOW_BREAK }, "break windows are acceptable"),
        bit({ VFIO_IOMMU_SET_MAP_FLAG_EPOCH }, "switch the whole map at one instant for each device"),
      ],
    },
    {
      name: "generation",
      type: "u64",
      doc: "in: generation expected; out, on success and ESTALE: generation in force",
    },
    {
      name: "regions",
      type: "u64",
      role: "user-pointer",
      doc: "process address of the array of struct vfio_iommu_type1_map_region",
    },
    { name: "nr_regions", type: "u32", doc: "number of regions; 0 means the empty map" },
    { name: "region_size", type: "u32", doc: "bytes from one region to the next, the caller's sizeof" },
    {
      name: "report",
      type: "u64",
      role: "user-pointer",
      doc: "process address of a struct vfio_iommu_type1_map_report, or 0",
    },
    { name: "report_size", type: "u32", doc: "bytes the report may take; 0 without report" },
    { name: "reserved", type: "u32", role: "reserved", doc: "must be zero" },
  ],
  {
    alignedU64: true,
    argument: true,
    notes: [
      "Both this struct and the regions grow at their end: a kernel that knows less accepts a longer one if the part it " +
        "does not know is zero.",
    ],
  },
);

export const vfio_iommu_type1_info_cap_set_map = defineStruct(
  "vfio_iommu_type1_info_cap_set_map",
  "VFIO_IOMMU_SET_MAP is available",
  [
    { name: "header", type: vfio_info_cap_header, doc: "VFIO_IOMMU_TYPE1_INFO_CAP_SET_MAP, version 1" },
    { name: "max_regions", type: "u32", doc: "largest nr_regions" },
    { name: "flags", type: "u32", doc: "the VFIO_IOMMU_SET_MAP_FLAG_* bits this container can honour" },
  ],
  { alignedU64: true },
);

/** In the order a header declares them. */
export const SET_MAP_STRUCTS: readonly Struct[] = [
  vfio_iommu_type1_map_region,
  vfio_iommu_type1_map_report,
  vfio_iommu_type1_set_map,
  vfio_iommu_type1_info_cap_set_map,
];
