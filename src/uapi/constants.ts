/** Flags, extension numbers and capability ids of include/uapi/linux/vfio.h, spelled as in C. */

/** IOMMU types (VFIO_SET_IOMMU) and extensions (VFIO_CHECK_EXTENSION) share one number space. */
export const VFIO_TYPE1_IOMMU = 1;
export const VFIO_SPAPR_TCE_IOMMU = 2;
export const VFIO_TYPE1v2_IOMMU = 3;
export const VFIO_DMA_CC_IOMMU = 4;
export const VFIO_EEH = 5;
/** Removed upstream; the number stays reserved. */
export const VFIO_TYPE1_NESTING_IOMMU = 6;
export const VFIO_SPAPR_TCE_v2_IOMMU = 7;
export const VFIO_NOIOMMU_IOMMU = 8;
export const VFIO_UNMAP_ALL = 9;
export const VFIO_UPDATE_VADDR = 10;

export const VFIO_GROUP_FLAGS_VIABLE = 1 << 0;
export const VFIO_GROUP_FLAGS_CONTAINER_SET = 1 << 1;

export const VFIO_IOMMU_INFO_PGSIZES = 1 << 0;
export const VFIO_IOMMU_INFO_CAPS = 1 << 1;

export const VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE = 1;
export const VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION = 2;
export const VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL = 3;

export const VFIO_DMA_MAP_FLAG_READ = 1 << 0;
export const VFIO_DMA_MAP_FLAG_WRITE = 1 << 1;
export const VFIO_DMA_MAP_FLAG_VADDR = 1 << 2;

export const VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP = 1 << 0;
export const VFIO_DMA_UNMAP_FLAG_ALL = 1 << 1;
export const VFIO_DMA_UNMAP_FLAG_VADDR = 1 << 2;

export const VFIO_IOMMU_DIRTY_PAGES_FLAG_START = 1 << 0;
export const VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP = 1 << 1;
export const VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP = 1 << 2;

/** Constants that no field of a struct carries, by group, for the header and for the check against the installed one. */
export const FREE_CONSTANTS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  "IOMMU types and extensions": {
    VFIO_TYPE1_IOMMU,
    VFIO_SPAPR_TCE_IOMMU,
    VFIO_TYPE1v2_IOMMU,
    VFIO_DMA_CC_IOMMU,
    VFIO_EEH,
    VFIO_TYPE1_NESTING_IOMMU,
    VFIO_SPAPR_TCE_v2_IOMMU,
    VFIO_NOIOMMU_IOMMU,
    VFIO_UNMAP_ALL,
    VFIO_UPDATE_VADDR,
  },
  "Capabilities of VFIO_IOMMU_GET_INFO": {
    VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE,
    VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION,
    VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL,
  },
};
