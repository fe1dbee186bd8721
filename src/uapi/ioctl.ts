/**
 * ioctl numbers of include/uapi/linux/vfio.h: `_IO(';', 100 + n)`, so neither direction nor size is part of the number.
 *
 * The kind of file decides what a number means; container and device files use some numbers twice.
 */
export const VFIO_TYPE = 0x3b;
export const VFIO_BASE = 100;

/** `_IO(VFIO_TYPE, VFIO_BASE + n)`. */
export const vfioIo = (n: number): number => (VFIO_TYPE << 8) | (VFIO_BASE + n);

export const VFIO_API_VERSION = 0;

export const VFIO_GET_API_VERSION = vfioIo(0);
export const VFIO_CHECK_EXTENSION = vfioIo(1);
export const VFIO_SET_IOMMU = vfioIo(2);
export const VFIO_GROUP_GET_STATUS = vfioIo(3);
export const VFIO_GROUP_SET_CONTAINER = vfioIo(4);
export const VFIO_GROUP_UNSET_CONTAINER = vfioIo(5);
export const VFIO_GROUP_GET_DEVICE_FD = vfioIo(6);
export const VFIO_IOMMU_GET_INFO = vfioIo(12);
export const VFIO_IOMMU_MAP_DMA = vfioIo(13);
export const VFIO_IOMMU_UNMAP_DMA = vfioIo(14);
export const VFIO_IOMMU_ENABLE = vfioIo(15);
export const VFIO_IOMMU_DISABLE = vfioIo(16);
export const VFIO_IOMMU_DIRTY_PAGES = vfioIo(17);
/** Not upstream: replace the whole memory map of a container. Free on every VFIO and iommufd file. */
export const VFIO_IOMMU_SET_MAP = vfioIo(24);

/** Kind of file an ioctl is issued on. */
export type FdKind = "container" | "group" | "device" | "iommufd";

export interface IoctlNumber {
  readonly name: string;
  readonly value: number;
  readonly fd: FdKind;
}

const onFd = (fd: FdKind, numbers: Readonly<Record<string, number>>): IoctlNumber[] =>
  Object.entries(numbers).map(([name, n]) => ({ name, value: vfioIo(n), fd }));

/** The upstream ioctls this project emulates. */
export const EMULATED_IOCTLS: readonly IoctlNumber[] = [
  ...Object.entries({
    VFIO_GET_API_VERSION,
    VFIO_CHECK_EXTENSION,
    VFIO_SET_IOMMU,
    VFIO_IOMMU_GET_INFO,
    VFIO_IOMMU_MAP_DMA,
    VFIO_IOMMU_UNMAP_DMA,
    VFIO_IOMMU_DIRTY_PAGES,
  }).map(([name, value]) => ({ name, value, fd: "container" as const })),
  ...Object.entries({
    VFIO_GROUP_GET_STATUS,
    VFIO_GROUP_SET_CONTAINER,
    VFIO_GROUP_UNSET_CONTAINER,
    VFIO_GROUP_GET_DEVICE_FD,
  }).map(([name, value]) => ({ name, value, fd: "group" as const })),
];

/** Every other number taken on a VFIO or iommufd file of Linux 7.3; a new ioctl must avoid them too, or strace shows two names for one number. */
export const FOREIGN_IOCTLS: readonly IoctlNumber[] = [
  ...onFd("container", {
    VFIO_IOMMU_ENABLE: 15,
    VFIO_IOMMU_DISABLE: 16,
    VFIO_IOMMU_SPAPR_TCE_GET_INFO: 12,
    VFIO_IOMMU_SPAPR_REGISTER_MEMORY: 17,
    VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY: 18,
    VFIO_IOMMU_SPAPR_TCE_CREATE: 19,
    VFIO_IOMMU_SPAPR_TCE_REMOVE: 20,
    VFIO_EEH_PE_OP: 21,
  }),
  ...onFd("device", {
    VFIO_DEVICE_GET_INFO: 7,
    VFIO_DEVICE_GET_REGION_INFO: 8,
    VFIO_DEVICE_GET_IRQ_INFO: 9,
    VFIO_DEVICE_SET_IRQS: 10,
    VFIO_DEVICE_RESET: 11,
    VFIO_DEVICE_GET_PCI_HOT_RESET_INFO: 12,
    VFIO_DEVICE_PCI_HOT_RESET: 13,
    VFIO_DEVICE_QUERY_GFX_PLANE: 14,
    VFIO_DEVICE_GET_GFX_DMABUF: 15,
    VFIO_DEVICE_IOEVENTFD: 16,
    VFIO_DEVICE_FEATURE: 17,
    VFIO_DEVICE_BIND_IOMMUFD: 18,
    VFIO_DEVICE_ATTACH_IOMMUFD_PT: 19,
    VFIO_DEVICE_DETACH_IOMMUFD_PT: 20,
  }),
  ...Array.from({ length: 0x96 - 0x80 }, (_, i) => ({
    name: `iommufd ${(0x80 + i).toString(16)}`,
    value: (VFIO_TYPE << 8) | (0x80 + i),
    fd: "iommufd" as const,
  })),
];

/** The ioctls this project adds. */
export const NEW_IOCTLS: readonly IoctlNumber[] = [
  { name: "VFIO_IOMMU_SET_MAP", value: VFIO_IOMMU_SET_MAP, fd: "container" },
];

/** Name of an ioctl number on a kind of file, or undefined. Unlike strace it never has to offer two names. */
export function ioctlName(value: number, fd: FdKind): string | undefined {
  return [...EMULATED_IOCTLS, ...NEW_IOCTLS, ...FOREIGN_IOCTLS].find((i) => i.value === value && i.fd === fd)
    ?.name;
}
