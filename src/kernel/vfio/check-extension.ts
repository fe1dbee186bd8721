import {
  VFIO_DMA_CC_IOMMU,
  VFIO_TYPE1_IOMMU,
  VFIO_TYPE1_NESTING_IOMMU,
  VFIO_TYPE1v2_IOMMU,
  VFIO_UNMAP_ALL,
  VFIO_UPDATE_VADDR,
} from "../../uapi/index.ts";
import type { Type1Behaviour } from "./behaviour.ts";
import type { Type1 } from "./type1.ts";

/**
 * VFIO_CHECK_EXTENSION, answered by the type1 driver: 1 or 0, never an error. Without an IOMMU (`iommu` null) only what holds
 * for every one is claimed. Domains do not enforce cache coherency, so DMA_CC is not offered.
 */
export function checkExtension(behaviour: Type1Behaviour, iommu: Type1 | null, extension: bigint): 0 | 1 {
  switch (extension) {
    case BigInt(VFIO_TYPE1_IOMMU):
    case BigInt(VFIO_TYPE1v2_IOMMU):
    case BigInt(VFIO_UNMAP_ALL):
      return 1;
    case BigInt(VFIO_TYPE1_NESTING_IOMMU):
      return behaviour.offersNesting ? 1 : 0;
    case BigInt(VFIO_UPDATE_VADDR):
      return iommu === null ? 0 : 1;
    case BigInt(VFIO_DMA_CC_IOMMU):
      return 0;
    default:
      return 0;
  }
}
