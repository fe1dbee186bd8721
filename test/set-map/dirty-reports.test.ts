import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { KernelOptions } from "../../src/kernel/index.ts";
import {
  Errno,
  VFIO_GROUP_SET_CONTAINER,
  VFIO_GROUP_UNSET_CONTAINER,
  VFIO_IOMMU_SET_MAP_FLAG_EPOCH,
} from "../../src/uapi/index.ts";
import { DirtyUser, dmaWrite } from "../helpers/dirty-user.ts";
import { Machine, PAGE } from "./machine.ts";

const MIB = 1n << 20n;
const AD = "vtd-ss-48-ad";
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

function boot(options: KernelOptions = {}) {
  const m = new Machine({ capability: AD, groups: [{ deviceName: "0000:00:04.0" }], ...options });
  const user = new DirtyUser(m.process, m.container);
  const small = m.process.mmap(MIB, "pop", { layout: { kind: "fragmented", seed: 7 } });
  const large = m.process.mmap(4n * MIB, "thp");
  return { m, user, small, large, write: (...pages: number[]) => dmaWrite(m.kernel, 0, ...pages) };
}

/** Regions in pages. */
const at = (start: number, pages: number, vaddr: bigint, flags = 3) => ({
  iova: BigInt(start) * PAGE,
  size: BigInt(pages) * PAGE,
  vaddr,
  flags,
});

describe("dirty pages where the IOMMU marks what devices write", () => {
  it("are those written since START, and each is told once", () => {
    const { m, user, small, write } = boot();
    expect(m.setMap([at(16, 100, small)])).toBe(0);
    write(20, 21);
    expect(user.start()).toBe(0);
    expect(user.pages(0, 200)).toEqual([]);
    write(16, 50, 115, 50);
    expect(user.pages(16, 100)).toEqual([16, 50, 115]);
    expect(user.pages(0, 200)).toEqual([]);
    write(50);
    expect(user.pages(0, 200)).toEqual([50]);
  });

  it("are told bit by bit, wherever mappings and range begin and end", () => {
    const { m, user, small, write } = boot();
    expect(user.start()).toBe(0);
    const drawn = fc.record({
      first: fc.nat(130),
      pages: fc.integer({ min: 1, max: 100 }),
      gap: fc.nat(70),
      lead: fc.nat(70),
      written: fc.array(fc.nat(199), { maxLength: 12 }),
    });
    fc.assert(
      fc.property(drawn, ({ first, pages, gap, lead, written }) => {
        const second = first + pages + gap;
        expect(m.setMap([])).toBe(0);
        expect(m.setMap([at(first, pages, small), at(second, 20, small + 128n * PAGE)])).toBe(0);
        const mapped = written.filter((p) => p < pages || p >= 200 - 20);
        const where = mapped.map((p) => (p < pages ? first + p : second + p - 180));
        write(...where);
        const start = Math.max(0, first - lead);
        expect(user.pages(start, 400)).toEqual([...new Set(where)].sort((a, b) => a - b));
        expect(user.pages(start, 400)).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  it("are all pages of a large leaf, and none is forgotten that a report did not ask for", () => {
    const { m, user, large, write } = boot();
    expect(m.setMap([at(512, 1024, large)])).toBe(0);
    expect(user.start()).toBe(0);
    write(512 + 700);
    expect(user.pages(0, 4096)).toEqual(range(1024, 1536));
    /* The two regions share one leaf. */
    expect(m.setMap([at(512, 100, large), at(612, 924, large + 100n * PAGE)])).toBe(0);
    write(700);
    expect(user.pages(512, 100)).toEqual(range(512, 612));
    expect(user.pages(512, 100)).toEqual([]);
    expect(user.pages(612, 924)).toEqual(range(612, 1024));
    expect(user.pages(0, 4096)).toEqual([]);
  });

  it("stay known when a report cannot be written, in mappings in front of the one at fault as well", () => {
    const { m, user, small, write } = boot();
    expect(m.setMap([at(0, 64, small), at(128, 64, small + 64n * PAGE)])).toBe(0);
    expect(user.start()).toBe(0);
    write(3, 130);
    const lastWord = m.process.mmap(4096n, "pop") + 4096n - 8n;
    expect(user.read(0, 192, 8n)).toBe(-Errno.EFAULT);
    expect(user.read(0, 192, lastWord)).toBe(-Errno.EFAULT);
    write(131);
    expect(user.pages(0, 192)).toEqual([3, 130, 131]);
    expect(user.pages(0, 192)).toEqual([]);
  });

  it.each([
    ["in place", 0],
    ["with EPOCH", VFIO_IOMMU_SET_MAP_FLAG_EPOCH],
  ])("stay known when SET_MAP changes %s how they are mapped", (_, flags) => {
    const { m, user, small, write } = boot();
    const set = (...regions: ReturnType<typeof at>[]): void => {
      expect(m.setMap(regions, { flags })).toBe(0);
    };
    set(at(0, 100, small));
    expect(user.start()).toBe(0);
    write(3, 50, 99);
    expect(user.read(0, 100, 8n)).toBe(-Errno.EFAULT);
    write(4, 51);
    /* What was taken out of the leaves is in the bitmap of a mapping that goes; the rest is in leaves. */
    set(at(0, 10, small), at(10, 45, small + 10n * PAGE, 1), at(60, 40, small + 60n * PAGE));
    const told = user.pages(0, 128);
    expect(told).toEqual(expect.arrayContaining([3, 4, 50, 51, 99]));
    if (flags === 0) expect(told).toEqual([3, 4, 50, 51, 99]);
    expect(user.pages(0, 128)).toEqual([]);
  });

  it("begin with those that a merge brings together", () => {
    const { m, user, large, write } = boot();
    const holed = [at(512, 100, large), at(613, 923, large + 101n * PAGE)];
    expect(m.setMap(holed)).toBe(0);
    expect(user.start()).toBe(0);
    write(800, 600);
    expect(m.setMap([at(512, 1024, large)])).toBe(0);
    expect(user.pages(512, 1024)).toEqual(range(512, 1024));
    write(800);
    expect(m.setMap(holed)).toBe(0);
    expect(user.pages(512, 1024)).toEqual(range(512, 1024).filter((page) => page !== 612));
  });

  it("are kept as they are by a START that fails or is repeated, and a STOP drops what is known", () => {
    const { m, user, small, write } = boot();
    expect(m.setMap([at(0, 10, small), at(20, 10, small + 20n * PAGE)])).toBe(0);
    write(2);
    const before = m.digest();
    m.kernel.faults.arm(2);
    expect(user.start()).toBe(-Errno.ENOMEM);
    m.kernel.faults.arm(0);
    expect(m.digest()).toEqual(before);
    expect(user.start()).toBe(0);
    write(5);
    expect(user.start()).toBe(0);
    expect(user.pages(0, 64)).toEqual([5]);
    write(6);
    expect([user.stop(), user.start()]).toEqual([0, 0]);
    expect(user.pages(0, 64)).toEqual([]);
  });

  it("are taken out by scripts that listeners see, each of which settles what it collected", () => {
    const { m, user, small } = boot();
    expect(m.setMap([at(0, 10, small)])).toBe(0);
    const seen: string[] = [];
    m.kernel.iommu.committer.listeners.add((script) => seen.push([...script].map(({ op }) => op).join(" ")));
    user.start();
    user.pages(0, 64);
    user.pages(64, 64);
    const script = "collect barrier invalidate wait";
    expect(seen).toEqual([script, script]);
  });

  it("are all pages that UNMAP_DMA removes", () => {
    const { m, user, small, write } = boot();
    expect(m.setMap([at(0, 10, small), at(10, 10, small + 10n * PAGE)])).toBe(0);
    expect(user.start()).toBe(0);
    write(2, 12);
    expect(m.unmapDirty(0n, 10n * PAGE)).toEqual({ result: 0, dirty: range(0, 10) });
    expect(user.pages(0, 64)).toEqual([12]);
  });
});

describe("dirty pages of a container behind two IOMMUs", () => {
  const two = (other: string): KernelOptions => ({
    groups: [
      { deviceName: "0000:00:04.0", unit: 0 },
      { deviceName: "0000:00:05.0", unit: 1, capability: other },
    ],
  });
  const leave = (m: Machine, group: number): number =>
    m.process.ioctl(m.groupFds[group]!, VFIO_GROUP_UNSET_CONTAINER, 0n);
  const join = (m: Machine, group: number): number => {
    const argument = m.process.mmap(4096, "pop");
    m.process.write(argument, new Uint8Array(new Int32Array([m.container]).buffer));
    return m.process.ioctl(m.groupFds[group]!, VFIO_GROUP_SET_CONTAINER, argument);
  };

  it("are those that either marked, even when it has left", () => {
    const { m, user, small, write } = boot(two(AD));
    expect(m.setMap([at(0, 20, small)])).toBe(0);
    expect(user.start()).toBe(0);
    write(1);
    dmaWrite(m.kernel, 1, 2, 3);
    expect(user.pages(0, 64)).toEqual([1, 2, 3]);
    write(4);
    dmaWrite(m.kernel, 1, 5);
    expect(leave(m, 1)).toBe(0);
    write(6);
    expect(user.pages(0, 64)).toEqual([4, 5, 6]);
    expect(join(m, 1)).toBe(0);
    dmaWrite(m.kernel, 1, 9);
    expect(user.pages(0, 64)).toEqual([9]);
  });

  it("are all while one of them marks nothing, and once more when it has left", () => {
    const { m, user, small, write } = boot(two("vtd-ss-48"));
    expect(m.setMap([at(0, 20, small)])).toBe(0);
    expect(user.start()).toBe(0);
    expect(user.pages(0, 64)).toEqual(range(0, 20));
    expect(user.pages(0, 64)).toEqual(range(0, 20));
    expect(leave(m, 1)).toBe(0);
    expect(user.pages(0, 64)).toEqual(range(0, 20));
    write(7);
    expect(user.pages(0, 64)).toEqual([7]);
  });
});
