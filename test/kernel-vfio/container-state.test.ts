import { describe, expect, it } from "vitest";
import {
  Errno,
  VFIO_CHECK_EXTENSION,
  VFIO_GET_API_VERSION,
  VFIO_GROUP_GET_DEVICE_FD,
  VFIO_GROUP_GET_STATUS,
  VFIO_GROUP_UNSET_CONTAINER,
  VFIO_IOMMU_GET_INFO,
  VFIO_SET_IOMMU,
} from "../../src/uapi/index.ts";
import { digest } from "../helpers/digest.ts";
import { bootSmall, VfioUser } from "../helpers/vfio-user.ts";

const user = (): VfioUser => new VfioUser(bootSmall());

function status(of: VfioUser, group: number, argsz = 8): { result: number; flags: number } {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setUint32(0, argsz, true);
  const result = of.process.ioctl(group, VFIO_GROUP_GET_STATUS, of.put(bytes));
  return { result, flags: new DataView(of.process.read(of.struct + 4n, 4).buffer).getUint32(0, true) };
}

const deviceFd = (of: VfioUser, group: number, name = "0000:00:04.0"): number =>
  of.process.ioctl(group, VFIO_GROUP_GET_DEVICE_FD, of.put(new TextEncoder().encode(`${name}\0`)));

describe("a container without IOMMU", () => {
  it("knows its API version and the type1 extensions, and answers EINVAL to everything else", () => {
    const u = user();
    const c = u.open();
    expect(u.process.ioctl(c, VFIO_GET_API_VERSION)).toBe(0);
    expect([1n, 3n, 9n].map((n) => u.process.ioctl(c, VFIO_CHECK_EXTENSION, n))).toEqual([1, 1, 1]);
    expect(
      [0n, 2n, 4n, 6n, 8n, 10n, 2n ** 40n + 1n].map((n) => u.process.ioctl(c, VFIO_CHECK_EXTENSION, n)),
    ).toEqual([0, 0, 0, 0, 0, 0, 0]);
    for (const nr of [VFIO_IOMMU_GET_INFO, 0x3b72, 0x3b7c, 0x3b99, 0])
      expect(u.process.ioctl(c, nr, u.struct)).toBe(-Errno.EINVAL);
    expect(u.setIommu(2)).toBe(-Errno.EINVAL);
  });

  it("takes only what the driver claims as a type, and of that only the types", () => {
    const u = user();
    u.open();
    expect(u.attach(u.openGroup(0))).toBe(0);
    const set = (type: bigint): number => u.process.ioctl(u.container, VFIO_SET_IOMMU, type);
    expect([0n, 2n, 4n, 6n, 10n, 2n ** 64n - 1n].map(set)).toEqual(Array(6).fill(-Errno.ENODEV));
    expect(set(9n)).toBe(-Errno.EINVAL);
    expect(u.kernel.domains()).toHaveLength(0);
    expect(set(3n)).toBe(0);
    expect(set(3n)).toBe(-Errno.EINVAL);
  });

  it("claims nesting in kernels before 7.3 and fails to open it", () => {
    const u = new VfioUser(bootSmall({ personality: "6.12" }));
    u.open();
    u.attach(u.openGroup(0));
    expect(u.process.ioctl(u.container, VFIO_CHECK_EXTENSION, 6n)).toBe(1);
    expect(u.process.ioctl(u.container, VFIO_SET_IOMMU, 6n)).toBe(-Errno.EINVAL);
    expect(u.kernel.domains()).toHaveLength(0);
  });
});

describe("a group", () => {
  it("is opened by one file at a time", () => {
    const u = user();
    const g = u.openGroup(0);
    expect(g).toBeGreaterThan(0);
    expect(u.openGroup(0)).toBe(-Errno.EBUSY);
    u.process.close(g);
    expect(u.openGroup(0)).toBeGreaterThan(0);
    expect(u.process.open("/dev/vfio/2")).toBe(-Errno.ENOENT);
  });

  it("reports viable, and attached while it has a container", () => {
    const u = user();
    u.open();
    const g = u.openGroup(0);
    expect(status(u, g)).toEqual({ result: 0, flags: 1 });
    u.attach(g);
    expect(status(u, g)).toEqual({ result: 0, flags: 3 });
    expect(status(u, g, 7).result).toBe(-Errno.EINVAL);
    expect(u.process.ioctl(g, VFIO_GROUP_GET_STATUS, 0n)).toBe(-Errno.EFAULT);
    expect(u.process.ioctl(g, VFIO_IOMMU_GET_INFO, u.struct)).toBe(-Errno.ENOTTY);
  });

  it("checks the container it is given: address, descriptor, own state, kind of file", () => {
    const u = user();
    u.open();
    const g = u.openGroup(0);
    const nothing = u.process.open("/dev/null");
    expect(u.process.ioctl(g, 0x3b68, 0n)).toBe(-Errno.EFAULT);
    expect([-1, 9999].map((fd) => u.attach(g, fd))).toEqual([-Errno.EBADF, -Errno.EBADF]);
    expect([nothing, g].map((fd) => u.attach(g, fd))).toEqual([-Errno.EBADFD, -Errno.EBADFD]);
    expect(u.attach(g)).toBe(0);
    expect(u.attach(g)).toBe(-Errno.EINVAL);
    expect(u.attach(g, -1)).toBe(-Errno.EBADF);
  });

  it("answers EINVAL to a foreign file in 6.1", () => {
    const u = new VfioUser(bootSmall({ personality: "6.1" }));
    const g = u.openGroup(0);
    expect(u.attach(g, u.process.open("/dev/null"))).toBe(-Errno.EINVAL);
  });

  it("needs interrupt remapping or allow_unsafe_interrupts to come behind an IOMMU", () => {
    const u = new VfioUser(bootSmall({ interruptRemapping: false }));
    u.open();
    u.attach(u.openGroup(0));
    const before = digest(u.kernel, u.process);
    expect(u.setIommu(2)).toBe(-Errno.EPERM);
    expect(digest(u.kernel, u.process)).toEqual(before);
    expect(u.kernel.parameters.write("allow_unsafe_interrupts", "1")).toBe(0);
    expect(u.setIommu(2)).toBe(0);
    u.kernel.parameters.write("allow_unsafe_interrupts", "0");
    const second = u.openGroup(1);
    expect(u.attach(second)).toBe(-Errno.EPERM);
    expect(status(u, second).flags).toBe(1);
  });
});

describe("a device file", () => {
  it("needs an IOMMU and the right name", () => {
    const u = user();
    u.open();
    const g = u.openGroup(0);
    expect(deviceFd(u, g)).toBe(-Errno.EINVAL);
    u.attach(g);
    expect(deviceFd(u, g)).toBe(-Errno.EINVAL);
    u.setIommu(2);
    expect(["bogus", "0000:00:05.0", "0000:00:04.01"].map((name) => deviceFd(u, g, name))).toEqual(
      Array(3).fill(-Errno.ENODEV),
    );
    expect(deviceFd(u, g, "0000:00:04.0 colour=red")).toBe(-Errno.EINVAL);
    expect(u.process.ioctl(g, VFIO_GROUP_GET_DEVICE_FD, 0n)).toBe(-Errno.EFAULT);
    u.process.write(u.bitmap, new Uint8Array(5000).fill(65));
    expect(u.process.ioctl(g, VFIO_GROUP_GET_DEVICE_FD, u.bitmap)).toBe(-Errno.EINVAL);
    expect(deviceFd(u, g)).toBeGreaterThan(0);
  });

  it("keeps its group attached until the last one is closed", () => {
    const u = VfioUser.ready();
    const g = u.groups[0]!;
    const devices = [deviceFd(u, g), deviceFd(u, g)];
    const detach = (): number => u.process.ioctl(g, VFIO_GROUP_UNSET_CONTAINER, 0n);
    expect(detach()).toBe(-Errno.EBUSY);
    u.process.close(devices[0]!);
    expect(detach()).toBe(-Errno.EBUSY);
    u.process.close(devices[1]!);
    expect(detach()).toBe(0);
    expect(detach()).toBe(-Errno.EINVAL);
  });

  it("keeps a closed group busy and mapped", () => {
    const u = VfioUser.ready();
    const memory = u.process.mmap(4096, "pop");
    u.map(0x1000n, 4096n, memory);
    const device = deviceFd(u, u.groups[0]!);
    u.process.close(u.groups[0]!);
    expect(u.openGroup(0)).toBe(-Errno.EBUSY);
    expect(u.process.mm.lockedVm).toBe(1);
    u.process.close(device);
    expect(u.process.mm.lockedVm).toBe(0);
    expect(u.openGroup(0)).toBeGreaterThan(0);
  });
});

describe("the life of a map", () => {
  it("ends with the last group, not with the container's descriptor", () => {
    const u = VfioUser.ready();
    const memory = u.process.mmap(1 << 16, "pop");
    u.map(0x1000n, 0x10000n, memory);
    u.process.close(u.container);
    expect(u.process.mm.lockedVm).toBe(16);
    expect(u.process.ioctl(u.groups[0]!, VFIO_GROUP_UNSET_CONTAINER, 0n)).toBe(0);
    expect(u.process.mm.lockedVm).toBe(0);
    expect(u.kernel.domains()).toHaveLength(0);
    expect(u.kernel.iommu.pool.live).toBe(0);
  });

  it("makes the container inert again when the last group leaves", () => {
    const u = VfioUser.ready();
    u.process.ioctl(u.groups[0]!, VFIO_GROUP_UNSET_CONTAINER, 0n);
    expect(u.process.ioctl(u.container, VFIO_IOMMU_GET_INFO, u.struct)).toBe(-Errno.EINVAL);
    expect(u.attach(u.groups[0]!)).toBe(0);
    expect(u.setIommu(1)).toBe(0);
    expect(u.iommu.v2).toBe(false);
  });

  it("ends with the process", () => {
    const u = VfioUser.ready({ attach: 2 });
    const memory = u.process.mmap(1 << 22, "pop");
    u.map(0n, 1n << 22n, memory);
    u.process.exit();
    expect(u.kernel.iommu.pool.live).toBe(0);
    expect(u.process.mm.lockedVm).toBe(0);
    expect(new VfioUser(u.kernel).openGroup(0)).toBeGreaterThan(0);
  });
});
