import { describe, expect, it } from "vitest";
import { RAM_BASE_PFN } from "../../src/engine/index.ts";
import type { Personality } from "../../src/kernel/index.ts";
import { Errno, VFIO_GROUP_GET_DEVICE_FD, VFIO_IOMMU_MAP_DMA } from "../../src/uapi/index.ts";
import { bytesToPage, iovaPfn } from "../../src/units/index.ts";
import { digest } from "../helpers/digest.ts";
import { VfioUser } from "../helpers/vfio-user.ts";

const M = 1n << 20n;
const TOP = 2n ** 64n;

/** The call fails with this errno and nothing at all has changed. */
function expectRefused(u: VfioUser, errno: number, call: () => number): void {
  const before = digest(u.kernel, u.process);
  expect(call()).toBe(-errno);
  expect(digest(u.kernel, u.process)).toEqual(before);
}

const walk = (u: VfioUser, iova: bigint) => {
  const domain = u.iommu.domains[0]!;
  return u.kernel.engine.walk(domain.root, domain.levels, iovaPfn(bytesToPage(iova)));
};

describe("MAP_DMA refuses", () => {
  const ready = (personality: Personality = "7.3"): { u: VfioUser; a: bigint } => {
    const u = VfioUser.ready({ personality });
    const a = u.process.mmap(4n * M, "pop");
    expect(u.map(0x10000n, 0x4000n, a)).toBe(0);
    return { u, a };
  };

  it("a struct it cannot read, a small argsz, unknown flags, no flag, VADDR with rights", () => {
    const { u, a } = ready();
    for (const address of [0n, 1n << 47n, TOP - 4096n])
      expectRefused(u, Errno.EFAULT, () => u.process.ioctl(u.container, VFIO_IOMMU_MAP_DMA, address));
    expectRefused(u, Errno.EINVAL, () => u.map(0x20000n, 0x1000n, a, 3, 31));
    for (const flags of [0, 5, 6, 7, 8, 0x8000_0003])
      expectRefused(u, Errno.EINVAL, () => u.map(0x20000n, 0x1000n, a, flags));
  });

  it("size 0 and misaligned iova, vaddr or size", () => {
    const { u, a } = ready();
    expectRefused(u, Errno.EINVAL, () => u.map(0x20000n, 0n, a));
    for (const [iova, size, vaddr] of [
      [1n, 0n, 0n],
      [0n, 1n, 0n],
      [0n, 0n, 0x800n],
    ] as const)
      expectRefused(u, Errno.EINVAL, () => u.map(0x20000n + iova, 0x2000n + size, a + vaddr));
  });

  it("ranges that wrap: EOVERFLOW since 7.3 even before the flags are looked at, EINVAL before", () => {
    for (const [personality, errno] of [
      ["6.1", Errno.EINVAL],
      ["6.12", Errno.EINVAL],
      ["7.3", Errno.EOVERFLOW],
    ] as const) {
      const { u, a } = ready(personality);
      expectRefused(u, errno, () => u.map(TOP - 4096n, 0x2000n, a));
      expectRefused(u, errno, () => u.map(0x20000n, 0x2000n, TOP - 4096n));
      expectRefused(u, errno, () => u.map(TOP - 4096n, 0x2000n, a, 0));
      expectRefused(u, Errno.EINVAL, () => u.map(TOP - 4096n, 0x1000n, a));
    }
  });

  it("overlap before the entry limit, the limit before the IOVA ranges, those before the memory", () => {
    const u = VfioUser.ready({ dmaEntryLimit: 1 });
    const a = u.process.mmap(M, "pop");
    expectRefused(u, Errno.EINVAL, () => u.map(0xfee0_0000n, 0x1000n, 0n));
    expectRefused(u, Errno.EFAULT, () => u.map(0x1000n, 0x1000n, 0n));
    u.kernel.parameters.write("dma_entry_limit", "100");
    expect(u.map(0x1000n, 0x1000n, a)).toBe(0);
    expectRefused(u, Errno.EEXIST, () => u.map(0x1000n, 0x1000n, a));
    expectRefused(u, Errno.ENOSPC, () => u.map(0xfee0_0000n, 0x1000n, a));
    expect(u.unmap(0x1000n, 0x1000n).result).toBe(0);
    expect(u.map(0x1000n, 0x1000n, a)).toBe(0);
  });

  it("any overlap: same, inside, around, one page at either end", () => {
    const { u, a } = ready();
    for (const [iova, size] of [
      [0x10000n, 0x4000n],
      [0x11000n, 0x1000n],
      [0xf000n, 0x6000n],
      [0xf000n, 0x2000n],
      [0x13000n, 0x2000n],
    ] as const)
      expectRefused(u, Errno.EEXIST, () => u.map(iova, size, a));
    expect(u.map(0xf000n, 0x1000n, a)).toBe(0);
    expect(u.map(0x14000n, 0x1000n, a)).toBe(0);
  });

  it("memory that goes bad half way, and takes back every pin and entry of the first half", () => {
    const u = VfioUser.ready();
    const a = u.process.mmap(4n * M, "pop", { layout: { kind: "fragmented", seed: 5 } });
    u.process.munmap(a + 3n * M, 0x1000n);
    u.process.mprotect(a + M, 0x1000n, 1);
    expectRefused(u, Errno.EFAULT, () => u.map(0n, 2n * M, a));
    expectRefused(u, Errno.EFAULT, () => u.map(0n, 3n * M, a + M + 0x1000n));
    expect(u.map(0n, 2n * M, a, 1)).toBe(0);
  });

  it("what would exceed RLIMIT_MEMLOCK, unless the process may lock memory", () => {
    const u = VfioUser.ready();
    const a = u.process.mmap(M, "pop");
    u.process.setMemlockLimit(0x10000);
    u.process.dropCapabilities();
    expect(u.map(0n, 0xf000n, a)).toBe(0);
    expectRefused(u, Errno.ENOMEM, () => u.map(0x10000n, 0x2000n, a));
    expect(u.map(0x10000n, 0x1000n, a)).toBe(0);
    expect(u.process.mm.lockedVm).toBe(16);
    u.process.setMemlockLimit(0);
    expectRefused(u, Errno.EFAULT, () => u.map(0x20000n, 0x1000n, 0n));
  });
});

describe("MAP_DMA", () => {
  it("translates every page to the process's frame, with the rights asked for", () => {
    const u = VfioUser.ready();
    const a = u.process.mmap(2n * M, "pop", { layout: { kind: "fragmented", seed: 1 } });
    for (const [i, rights] of [3, 1, 2].entries())
      expect(u.map(BigInt(i) * 4n * M, 2n * M, a, rights)).toBe(0);
    const frames: number[] = [];
    for (const run of u.process.mm.pagemap(bytesToPage(a) as never, 512))
      for (let i = 0; i < run.pages; i++) frames.push(run.pfn + i);
    expect(frames).toHaveLength(512);
    for (const [i, rights] of [3, 1, 2].entries())
      for (let page = 0; page < 512; page++)
        expect(walk(u, BigInt(i) * 4n * M + BigInt(page) * 4096n)).toMatchObject({
          pfn: frames[page],
          rights,
        });
    expect(u.kernel.framePins(frames[0] as never)).toBe(3);
    expect(u.process.mm.lockedVm).toBe(3 * 512);
    expect(walk(u, 2n * M)).toBeNull();
  });

  it("uses 2 MiB leaves for congruent contiguous memory, and 4 KiB ones with disable_hugepages", () => {
    const u = VfioUser.ready();
    const a = u.process.mmap(4n * M, "huge2m");
    expect(u.map(0n, 4n * M, a)).toBe(0);
    expect(walk(u, 0n)).toMatchObject({ level: 1 });
    expect(u.map(8n * M + 4096n, 2n * M, a)).toBe(0);
    expect(walk(u, 8n * M + 4096n)).toMatchObject({ level: 0 });
    u.kernel.parameters.write("disable_hugepages", "1");
    expect(u.map(16n * M, 2n * M, a)).toBe(0);
    expect(walk(u, 16n * M)).toMatchObject({ level: 0 });
    expect(u.process.mm.lockedVm).toBe(2048);
  });

  it("maps device memory without charging or pinning it", () => {
    const u = VfioUser.ready();
    const name = new TextEncoder().encode("0000:00:04.0\0");
    expect(u.process.ioctl(u.groups[0]!, VFIO_GROUP_GET_DEVICE_FD, u.put(name))).toBeGreaterThan(0);
    const { barPfn } = u.kernel.groups[0]!.device;
    const bar = u.process.mmap(M, "bar", { barPfn });
    expect(barPfn).toBeLessThan(RAM_BASE_PFN);
    expect(u.map(0n, M, bar)).toBe(0);
    expect(walk(u, 0x5000n)).toMatchObject({ pfn: barPfn + 5 });
    expect(u.process.mm.lockedVm).toBe(0);
    expectRefused(u, Errno.EFAULT, () => u.map(4n * M, M + 4096n, bar));
    expect(u.unmap(0n, M)).toEqual({ result: 0, size: M });
    expect(walk(u, 0x5000n)).toBeNull();
  });

  it("keeps frames of memory that the process unmaps until the mapping goes", () => {
    const u = VfioUser.ready();
    const a = u.process.mmap(0x4000n, "pop");
    u.map(0n, 0x4000n, a);
    const frame = walk(u, 0n)!.pfn;
    u.process.munmap(a, 0x4000n);
    expect(u.kernel.framePins(frame)).toBe(1);
    u.unmap(0n, 0x4000n);
    expect(u.kernel.framePins(frame)).toBe(0);
    expect(u.process.mm.lockedVm).toBe(0);
  });

  it("rolls a mapping of several chunks back when the last page is bad", () => {
    const u = VfioUser.ready({ ramFrames: 2 ** 18, tablePages: 8192 });
    const pages = 20_000n;
    const a = u.process.mmap(pages * 4096n, "pop", { layout: { kind: "fragmented", seed: 9 } });
    u.process.munmap(a + (pages - 1n) * 4096n, 4096n);
    const before = digest(u.kernel, u.process);
    expect(u.map(0n, pages * 4096n, a)).toBe(-Errno.EFAULT);
    expect(digest(u.kernel, u.process)).toEqual(before);
    expect(u.map(0n, (pages - 1n) * 4096n, a)).toBe(0);
    expect(walk(u, (pages - 2n) * 4096n)).not.toBeNull();
  });
});

describe("MAP_DMA with VADDR", () => {
  it("needs a mapping whose address was taken, exactly that range, and no rights", () => {
    const u = VfioUser.ready();
    const a = u.process.mmap(M, "pop");
    u.map(0n, 0x4000n, a);
    expectRefused(u, Errno.ENOENT, () => u.map(0x10000n, 0x4000n, a, 4));
    expectRefused(u, Errno.EINVAL, () => u.map(0n, 0x4000n, a, 4));
    expect(u.unmap(0n, 0x4000n, 4)).toEqual({ result: 0, size: 0x4000n });
    expectRefused(u, Errno.EINVAL, () => u.map(0n, 0x2000n, a, 4));
    expectRefused(u, Errno.EINVAL, () => u.map(0x1000n, 0x3000n, a, 4));
    expect(u.map(0n, 0x4000n, a + 0x8000n, 4)).toBe(0);
    expect(u.iommu.mappings[0]).toMatchObject({ vaddrPfn: bytesToPage(a + 0x8000n), vaddrInvalid: false });
    expect(u.process.mm.lockedVm).toBe(4);
  });

  it("moves the charge to the process that takes the mapping over, if its limit allows", () => {
    const u = VfioUser.ready();
    const a = u.process.mmap(M, "pop");
    u.map(0n, 0x4000n, a);
    u.unmap(0n, 0x4000n, 4);
    const heir = new VfioUser(u.kernel);
    const descriptor = u.kernel.groups[0]!.container!;
    heir.container = heir.process.installFile(descriptor);
    heir.process.setMemlockLimit(0x3000);
    heir.process.dropCapabilities();
    const b = heir.process.mmap(0x4000n, "pop");
    const before = digest(u.kernel, u.process, heir.process);
    expect(heir.map(0n, 0x4000n, b, 4)).toBe(-Errno.ENOMEM);
    expect(digest(u.kernel, u.process, heir.process)).toEqual(before);
    heir.process.setMemlockLimit(0x4000);
    expect(heir.map(0n, 0x4000n, b, 4)).toBe(0);
    expect([u.process.mm.lockedVm, heir.process.mm.lockedVm]).toEqual([0, 4]);
    expect(u.unmap(0n, 0x4000n).result).toBe(0);
    expect(heir.process.mm.lockedVm).toBe(0);
  });
});
