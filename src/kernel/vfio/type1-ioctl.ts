import {
  Errno,
  type Struct,
  VFIO_IOMMU_DIRTY_PAGES,
  VFIO_IOMMU_GET_INFO,
  VFIO_IOMMU_MAP_DMA,
  VFIO_IOMMU_SET_MAP,
  VFIO_IOMMU_UNMAP_DMA,
  vfio_iommu_type1_dirty_bitmap,
  vfio_iommu_type1_dma_map,
  vfio_iommu_type1_dma_unmap,
  vfio_iommu_type1_info,
  vfio_iommu_type1_set_map,
} from "../../uapi/index.ts";
import type { Process } from "../process.ts";
import { dirtyPages } from "./dirty-pages.ts";
import { getInfo } from "./get-info.ts";
import { mapDma } from "./map-dma.ts";
import { setMap } from "./set-map.ts";
import type { Type1 } from "./type1.ts";
import { unmapDma } from "./unmap-dma.ts";
import { copyArgument } from "./user-argument.ts";

/** One ioctl of a container with an IOMMU. The dispatcher copies `struct.minSizeBytes` in and checks argsz against it. */
interface Type1Ioctl {
  readonly number: number;
  readonly struct: Struct;
  /** EACCES on a version 1 container, before anything is read. */
  readonly v2Only?: true;
  /** No upstream kernel has it. */
  readonly isNew?: true;
  /** Returns 0 or -errno. `head` is the kernel's copy of the struct; `argument` its user address. */
  readonly handler: (iommu: Type1, process: Process, argument: bigint, head: Uint8Array) => number;
}

const TYPE1_IOCTLS: readonly Type1Ioctl[] = [
  { number: VFIO_IOMMU_GET_INFO, struct: vfio_iommu_type1_info, handler: getInfo },
  { number: VFIO_IOMMU_MAP_DMA, struct: vfio_iommu_type1_dma_map, handler: mapDma },
  { number: VFIO_IOMMU_UNMAP_DMA, struct: vfio_iommu_type1_dma_unmap, handler: unmapDma },
  {
    number: VFIO_IOMMU_DIRTY_PAGES,
    struct: vfio_iommu_type1_dirty_bitmap,
    v2Only: true,
    handler: dirtyPages,
  },
  { number: VFIO_IOMMU_SET_MAP, struct: vfio_iommu_type1_set_map, isNew: true, handler: setMap },
];

/** An ioctl that the container passed on to its IOMMU. Returns 0 or -errno. */
export function type1Ioctl(iommu: Type1, process: Process, nr: number, argument: bigint): number {
  const entry = TYPE1_IOCTLS.find((ioctl) => ioctl.number === nr);
  if (entry === undefined || (entry.isNew && !iommu.kernel.offersSetMap)) return -Errno.ENOTTY;
  if (entry.v2Only && !iommu.v2) return -Errno.EACCES;
  const head = copyArgument(process.mm, argument, entry.struct.minSizeBytes);
  if (head === null) return -Errno.EFAULT;
  const argsz = new DataView(head.buffer).getUint32(0, true);
  if (argsz < entry.struct.minSizeBytes) return -Errno.EINVAL;
  return entry.handler(iommu, process, argument, head);
}
