import { describe, expect, it } from "vitest";
import { Errno } from "../../src/uapi/index.ts";
import { digest } from "../helpers/digest.ts";
import { VfioUser } from "../helpers/vfio-user.ts";

const BASE = 0x1000_0000n;
const START = 1;
const STOP = 2;
const TOP = 2n ** 64n;

function tracked(options: Parameters<typeof VfioUser.ready>[0] = {}): { u: VfioUser; a: bigint } {
  const u = VfioUser.ready(options);
  const a = u.process.mmap(1 << 20, "pop");
  expect(u.dirty(START)).toBe(0);
  return { u, a };
}

/** Set bits of the user's bitmap. */
function bits(u: VfioUser, bytes: number): number[] {
  const found: number[] = [];
  u.process.read(u.bitmap, bytes).forEach((byte, i) => {
    for (let bit = 0; bit < 8; bit++) if ((byte >> bit) & 1) found.push(8 * i + bit);
  });
  return found;
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

describe("DIRTY_PAGES", () => {
  it("is EACCES on a version 1 container, whatever the argument", () => {
    const u = VfioUser.ready({ version: 1 });
    expect([0, START, STOP, 7].map((flags) => u.dirty(flags))).toEqual(Array(4).fill(-Errno.EACCES));
    expect(u.process.ioctl(u.container, 0x3b75, 0n)).toBe(-Errno.EACCES);
  });

  it("takes exactly one known flag; START and STOP may be repeated", () => {
    const u = VfioUser.ready();
    expect([0, 3, 5, 7, 8].map((flags) => u.dirty(flags))).toEqual(Array(5).fill(-Errno.EINVAL));
    expect([STOP, START, START, STOP, STOP].map((flags) => u.dirty(flags))).toEqual([0, 0, 0, 0, 0]);
    expect(u.process.ioctl(u.container, 0x3b75, 0n)).toBe(-Errno.EFAULT);
  });

  it("reports exactly the mapped pages, at every offset within a word", () => {
    const { u, a } = tracked();
    u.map(BASE, 0x4000n, a);
    u.map(BASE + 0x46000n, 0x45000n, a + 0x4000n, 1);
    for (let lead = 0; lead <= 130; lead++) {
      u.process.write(u.bitmap, new Uint8Array(4096));
      const start = BASE - BigInt(lead) * 4096n;
      expect(u.getDirty(start, 0x90000n + BigInt(lead) * 4096n)).toBe(0);
      expect(bits(u, 64)).toEqual([...range(lead, lead + 4), ...range(lead + 70, lead + 139)]);
    }
    u.process.write(u.bitmap, new Uint8Array(4096));
    u.getDirty(BASE, 0x4000n);
    expect(bits(u, 64)).toEqual([0, 1, 2, 3]);
  });

  it("keeps the caller's bits in front of a mapping and writes nothing where nothing is mapped", () => {
    const { u, a } = tracked();
    u.process.write(u.bitmap, new Uint8Array(64).fill(0xff));
    expect(u.getDirty(BASE, 0x100000n)).toBe(0);
    expect(bits(u, 64)).toHaveLength(512);
    expect(u.getDirty(BASE, 0x1000n, { data: 0n })).toBe(0);
    u.map(BASE + 0x3000n, 0x1000n, a);
    expect(u.getDirty(BASE, 0x10000n)).toBe(0);
    expect(bits(u, 16)).toEqual([0, 1, 2, 3, ...range(64, 128)]);
  });

  it("refuses a range that cuts a mapping, and wrong sizes, pages, alignments and bitmaps", () => {
    const { u, a } = tracked();
    u.map(BASE, 0x4000n, a);
    const before = digest(u.kernel, u.process);
    const refused = [
      u.getDirty(BASE, 0x3000n),
      u.getDirty(BASE + 0x1000n, 0x3000n),
      u.getDirty(BASE, 0n, { bytes: 8n }),
      u.getDirty(BASE + 1n, 0x4000n),
      u.getDirty(BASE, 0x4001n),
      u.getDirty(BASE, 0x4000n, { pgsize: 0n }),
      u.getDirty(BASE, 0x4000n, { pgsize: 8192n }),
      u.getDirty(BASE, 0x4000n, { bytes: 7n }),
      u.getDirty(BASE, 0x4000n, { bytes: (1n << 28n) + 8n }),
      u.getDirty(BASE, 0x4000n, { data: TOP - 8n }),
      u.getDirty(BASE, 0x4000n, { argsz: 47 }),
    ];
    expect(refused).toEqual(Array(refused.length).fill(-Errno.EINVAL));
    expect(u.getDirty(BASE, 0x4000n, { data: 8n })).toBe(-Errno.EFAULT);
    expect(u.getDirty(TOP - 4096n, 0x2000n, { bytes: 8n })).toBe(-Errno.EOVERFLOW);
    expect(u.getDirty(TOP - 4096n, 0x1000n)).toBe(0);
    expect(digest(u.kernel, u.process)).toEqual(before);
    u.dirty(STOP);
    expect(u.getDirty(BASE, 0x4000n)).toBe(-Errno.EINVAL);
  });

  it("takes the end of the address space for a wrap before 7.3", () => {
    const { u } = tracked({ personality: "6.12" });
    expect(u.getDirty(TOP - 4096n, 0x2000n, { bytes: 8n })).toBe(-Errno.EINVAL);
    expect(u.getDirty(TOP - 4096n, 0x1000n)).toBe(-Errno.EINVAL);
  });

  it("gives mappings their bitmap at START and at MAP_DMA, and all or none at START", () => {
    const u = VfioUser.ready();
    const a = u.process.mmap(1 << 20, "pop");
    u.map(BASE, 0x1000n, a);
    u.map(BASE + 0x1000n, 0x1000n, a);
    u.kernel.faults.arm(2);
    expect(u.dirty(START)).toBe(-Errno.ENOMEM);
    expect(u.iommu.mappings.map((m) => m.dirty)).toEqual([null, null]);
    expect(u.iommu.trackingDirty).toBe(false);
    u.kernel.faults.arm(0);
    expect(u.dirty(START)).toBe(0);
    u.map(BASE + 0x2000n, 0x1000n, a);
    expect(u.iommu.mappings.every((m) => m.dirty !== null)).toBe(true);
    u.dirty(STOP);
    expect(u.iommu.mappings.every((m) => m.dirty === null)).toBe(true);
  });
});

describe("UNMAP_DMA with a dirty bitmap", () => {
  it("reports and removes", () => {
    const { u, a } = tracked();
    u.map(BASE + 0x1000n, 0x2000n, a);
    u.process.write(u.bitmap, new Uint8Array(64));
    expect(u.unmapDirty(BASE, 0x10000n)).toEqual({ result: 0, size: 0x2000n });
    expect(bits(u, 64)).toEqual([1, 2]);
    expect(u.iommu.mappings).toEqual([]);
  });

  it("removes what lies in front of the mapping whose bits cannot be written, and says nothing of it", () => {
    const { u, a } = tracked();
    const end = u.process.mmap(4096, "pop") + 4096n;
    u.map(BASE, 0x1000n, a);
    u.map(BASE + 0x80000n, 0x1000n, a);
    const range = 0x81000n;
    expect(u.unmapDirty(BASE, range, end - 16n)).toEqual({ result: -Errno.EFAULT, size: range });
    expect(u.iommu.mappings.map((m) => m.iovaPfn)).toEqual([0x10080]);
    expect(u.process.mm.lockedVm).toBe(1);
  });

  it("needs tracking, and refuses to cut a mapping", () => {
    const { u, a } = tracked();
    u.map(BASE, 0x2000n, a);
    const before = digest(u.kernel, u.process);
    expect(u.unmapDirty(BASE, 0x1000n)).toEqual({ result: -Errno.EINVAL, size: 0x1000n });
    expect(digest(u.kernel, u.process)).toEqual(before);
    u.dirty(STOP);
    expect(u.unmapDirty(BASE, 0x2000n).result).toBe(-Errno.EINVAL);
    expect(u.iommu.mappings).toHaveLength(1);
  });
});
