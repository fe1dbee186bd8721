import { describe, expect, it } from "vitest";
import { EMULATED_IOCTLS, Errno, errnoTable, NEW_IOCTLS, type PERSONALITIES } from "../../src/uapi/index.ts";

const answers = (ioctl: string, kernel?: (typeof PERSONALITIES)[number]): string[] =>
  errnoTable(kernel)
    .filter((r) => r.ioctl === ioctl)
    .map((r) => r.errno);

describe("errno table", () => {
  it("covers every ioctl that can fail, with error numbers that exist", () => {
    const covered = new Set(errnoTable().map((r) => r.ioctl));
    for (const { name } of [...EMULATED_IOCTLS, ...NEW_IOCTLS])
      if (name !== "VFIO_GET_API_VERSION" && name !== "VFIO_CHECK_EXTENSION") expect(covered).toContain(name);
    for (const row of errnoTable()) expect(Errno[row.errno]).toBeGreaterThan(0);
  });

  it("lists the new ioctl's errors in the order of its checks", () => {
    expect(answers("VFIO_IOMMU_SET_MAP")).toEqual([
      "EINVAL",
      "EFAULT",
      ...["EINVAL", "EINVAL", "EINVAL", "EINVAL"],
      ...["E2BIG", "E2BIG", "E2BIG"],
      "EFAULT",
      "E2BIG",
      ...["EINVAL", "EINVAL", "EINVAL", "EOVERFLOW", "EINVAL"],
      "EEXIST",
      "ESTALE",
      ...["EOPNOTSUPP", "EOPNOTSUPP"],
      "EBUSY",
      "ENOSPC",
      "ENOMEM",
      "EFAULT",
      "ENOSPC",
    ]);
  });

  it("knows what kernels before 7.3 answer to a range that wraps", () => {
    const wrap = (kernel: "6.1" | "6.12" | "7.3"): string | undefined =>
      errnoTable(kernel).find((r) => r.ioctl === "VFIO_IOMMU_MAP_DMA" && r.cause.includes("wraps"))?.errno;
    expect([wrap("6.1"), wrap("6.12"), wrap("7.3")]).toEqual(["EINVAL", "EINVAL", "EOVERFLOW"]);
  });

  it("drops a cause that a kernel does not know and keeps the numbering of the others", () => {
    const last = (kernel: "6.12" | "7.3"): number =>
      errnoTable(kernel).filter((r) => r.cause.includes("2^64 - 1")).length;
    expect([last("6.12"), last("7.3")]).toEqual([1, 0]);
    expect(errnoTable("7.3").findLast((r) => r.ioctl === "VFIO_IOMMU_DIRTY_PAGES")?.order).toBe(
      errnoTable("6.12").findLast((r) => r.ioctl === "VFIO_IOMMU_DIRTY_PAGES")?.order,
    );
  });
});
