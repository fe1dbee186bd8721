import { describe, expect, it } from "vitest";
import {
  EMULATED_IOCTLS,
  FOREIGN_IOCTLS,
  ioctlName,
  VFIO_CHECK_EXTENSION,
  VFIO_GET_API_VERSION,
  VFIO_GROUP_GET_DEVICE_FD,
  VFIO_GROUP_GET_STATUS,
  VFIO_GROUP_SET_CONTAINER,
  VFIO_GROUP_UNSET_CONTAINER,
  VFIO_IOMMU_DIRTY_PAGES,
  VFIO_IOMMU_GET_INFO,
  VFIO_IOMMU_MAP_DMA,
  VFIO_IOMMU_SET_MAP,
  VFIO_IOMMU_UNMAP_DMA,
  VFIO_SET_IOMMU,
} from "../../src/uapi/index.ts";

describe("ioctl numbers", () => {
  it("are those of Linux", () => {
    expect([VFIO_GET_API_VERSION, VFIO_CHECK_EXTENSION, VFIO_SET_IOMMU]).toEqual([0x3b64, 0x3b65, 0x3b66]);
    expect([
      VFIO_GROUP_GET_STATUS,
      VFIO_GROUP_SET_CONTAINER,
      VFIO_GROUP_UNSET_CONTAINER,
      VFIO_GROUP_GET_DEVICE_FD,
    ]).toEqual([0x3b67, 0x3b68, 0x3b69, 0x3b6a]);
    expect([VFIO_IOMMU_GET_INFO, VFIO_IOMMU_MAP_DMA, VFIO_IOMMU_UNMAP_DMA, VFIO_IOMMU_DIRTY_PAGES]).toEqual([
      0x3b70, 0x3b71, 0x3b72, 0x3b75,
    ]);
  });

  it("leave the new one free on every file of the subsystem", () => {
    expect(VFIO_IOMMU_SET_MAP).toBe(0x3b7c);
    const taken = [...EMULATED_IOCTLS, ...FOREIGN_IOCTLS].map((i) => i.value);
    expect(taken.length).toBeGreaterThan(40);
    expect(taken).not.toContain(VFIO_IOMMU_SET_MAP);
  });

  it("have one name a file kind, even where the kinds share a number", () => {
    expect(ioctlName(0x3b71, "container")).toBe("VFIO_IOMMU_MAP_DMA");
    expect(ioctlName(0x3b71, "device")).toBe("VFIO_DEVICE_PCI_HOT_RESET");
    expect(ioctlName(0x3b7c, "container")).toBe("VFIO_IOMMU_SET_MAP");
    expect(ioctlName(0x3b7c, "group")).toBeUndefined();
  });
});
