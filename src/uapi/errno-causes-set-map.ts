import type { ErrnoCause } from "./errno-cause.ts";

/** VFIO_IOMMU_SET_MAP, in check order; the generated header prints these lines. */
export const SET_MAP_CAUSES: readonly ErrnoCause[] = [
  { errno: "EINVAL", cause: "the container has no IOMMU type yet" },
  { errno: "EFAULT", cause: "the argument cannot be read" },
  { errno: "EINVAL", cause: "argsz is smaller than the first version of the struct" },
  { errno: "EINVAL", cause: "an unknown flag, or reserved is not zero" },
  {
    errno: "EINVAL",
    cause: "region_size is smaller than the first version of a region or no multiple of 8",
  },
  {
    errno: "EINVAL",
    cause: "report without a report_size of at least 8 bytes, or report_size without report",
  },
  { errno: "E2BIG", cause: "nr_regions is over the limit that VFIO_IOMMU_GET_INFO reports" },
  { errno: "E2BIG", cause: "argsz or region_size is over 4096" },
  { errno: "E2BIG", cause: "a byte of the argument behind what the kernel knows is not zero" },
  { errno: "EFAULT", cause: "the argument or the report cannot be written, or a region cannot be read" },
  { errno: "E2BIG", cause: "region: a byte behind what the kernel knows is not zero" },
  { errno: "EINVAL", cause: "region: size is 0" },
  { errno: "EINVAL", cause: "region: iova, size or vaddr is no multiple of the smallest IOMMU page" },
  { errno: "EINVAL", cause: "region: an unknown flag, no right at all, or reserved is not zero" },
  { errno: "EOVERFLOW", cause: "region: iova or vaddr wraps around" },
  { errno: "EINVAL", cause: "region: not inside one of the usable IOVA ranges" },
  { errno: "EEXIST", cause: "two regions overlap" },
  { errno: "ESTALE", cause: "EXPECT_GENERATION, and another generation is in force" },
  { errno: "EOPNOTSUPP", cause: "a break window would be needed and ALLOW_BREAK is not set" },
  {
    errno: "EOPNOTSUPP",
    cause: "EPOCH, and an IOMMU cannot switch its root in one store, or a device has ATS enabled",
  },
  { errno: "EBUSY", cause: "VFIO_DMA_UNMAP_FLAG_VADDR took the vaddr of a mapping away" },
  { errno: "ENOSPC", cause: "the new map needs more tracking entries than the container may have" },
  {
    errno: "ENOMEM",
    cause: "pinning would exceed RLIMIT_MEMLOCK, or there is no memory for tables or tracking",
  },
  { errno: "EFAULT", cause: "a vaddr that is not mapped, or not writable, cannot be pinned" },
  { errno: "ENOSPC", cause: "EPOCH, and every domain tag of the IOMMU is in use" },
];
