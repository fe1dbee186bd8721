import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Errno } from "../../src/uapi/index.ts";
import { bytesToPage, iovaPfn } from "../../src/units/index.ts";
import { digest } from "../helpers/digest.ts";
import { VfioUser } from "../helpers/vfio-user.ts";
import { NaiveMap } from "./naive-map.ts";

const WINDOW = 32;
const BASE = 0x1000_0000n;
const at = (page: number): bigint => BASE + BigInt(page) * 4096n;
const size = (pages: number): bigint => BigInt(pages) * 4096n;

/** Mappings at pages of the window: neighbours, holes, the first page, the last page. */
const LAYOUT = [
  [0, 1],
  [3, 5],
  [8, 2],
  [12, 1],
  [13, 4],
  [20, 8],
  [31, 1],
] as const;

function mapLayout(u: VfioUser, memory: bigint): NaiveMap {
  const naive = new NaiveMap();
  for (const [page, pages] of LAYOUT) {
    expect(u.map(at(page), size(pages), memory + size(page))).toBe(0);
    naive.map(page, pages);
  }
  return naive;
}

function expectSame(u: VfioUser, naive: NaiveMap): void {
  const first = bytesToPage(BASE);
  expect(u.iommu.mappings.map((m) => [m.iovaPfn - first, m.pages])).toEqual(naive.mappings);
  expect(u.process.mm.lockedVm).toBe(naive.pages);
  const domain = u.iommu.domains[0]!;
  for (let page = 0; page < WINDOW; page++)
    expect(u.kernel.engine.walk(domain.root, domain.levels, iovaPfn(first + page)) !== null).toBe(
      naive.covers(page),
    );
}

describe.each([1, 2] as const)("UNMAP_DMA, version %i", (version) => {
  it("answers every range of a 32-page window as a naive model does, and a refusal changes nothing", () => {
    const u = VfioUser.ready({ version });
    const memory = u.process.mmap(size(WINDOW), "pop", { layout: { kind: "fragmented", seed: 3 } });
    let refused = 0;
    for (let start = 0; start < WINDOW; start++)
      for (let end = start + 1; end <= WINDOW; end++) {
        const naive = mapLayout(u, memory);
        const before = digest(u.kernel, u.process);
        const removed = naive.unmap(version, start, end);
        const answer = u.unmap(at(start), size(end - start));
        if (removed === null) {
          refused++;
          expect(answer).toEqual({ result: -Errno.EINVAL, size: size(end - start) });
          expect(digest(u.kernel, u.process)).toEqual(before);
        } else expect(answer).toEqual({ result: 0, size: size(removed) });
        expectSame(u, naive);
        expect(u.unmap(0n, 0n, 2)).toEqual({ result: 0, size: size(naive.pages) });
        expectSame(u, new NaiveMap());
      }
    expect(refused > 0).toBe(version === 2);
  });

  it("stays equal to the model over random sequences of map and unmap", () => {
    const page = fc.nat(WINDOW - 1);
    const command = fc.record({
      unmap: fc.boolean(),
      start: page,
      other: page,
      rights: fc.constantFrom(1, 2, 3),
    });
    fc.assert(
      fc.property(fc.array(command, { maxLength: 30 }), (commands) => {
        const u = VfioUser.ready({ version, ramFrames: 2 ** 14, tablePages: 64 });
        const memory = u.process.mmap(size(WINDOW), "pop");
        const naive = new NaiveMap();
        for (const { unmap, start: a, other: b, rights } of commands) {
          const [start, end] = [Math.min(a, b), Math.max(a, b) + 1];
          if (unmap) {
            const removed = naive.unmap(version, start, end);
            expect(u.unmap(at(start), size(end - start)).result).toBe(removed === null ? -Errno.EINVAL : 0);
          } else {
            const fits = naive.map(start, end - start);
            expect(u.map(at(start), size(end - start), memory + size(start), rights)).toBe(
              fits ? 0 : -Errno.EEXIST,
            );
          }
          expectSame(u, naive);
        }
        u.process.exit();
        expect(u.kernel.iommu.pool.live).toBe(0);
      }),
      { numRuns: 60, seed: 7 },
    );
  });
});

describe("UNMAP_DMA", () => {
  const ready = (version: 1 | 2 = 2): { u: VfioUser; a: bigint } => {
    const u = VfioUser.ready({ version });
    const a = u.process.mmap(1 << 20, "pop");
    u.map(BASE, 0x4000n, a);
    u.map(BASE + 0x4000n, 0x4000n, a + 0x4000n);
    return { u, a };
  };
  const refused = (
    u: VfioUser,
    errno: number,
    call: () => { result: number; size: bigint },
    left: bigint,
  ): void => {
    const before = digest(u.kernel, u.process);
    expect(call()).toEqual({ result: -errno, size: left });
    expect(digest(u.kernel, u.process)).toEqual(before);
  };

  it("refuses a small argsz, unknown flags, bad ranges and wrong combinations, leaving the size field alone", () => {
    const { u } = ready();
    refused(u, Errno.EINVAL, () => u.unmap(BASE, 0x4000n, 0, 23), 0x4000n);
    refused(u, Errno.EINVAL, () => u.unmap(BASE, 0x4000n, 8), 0x4000n);
    refused(u, Errno.EINVAL, () => u.unmap(BASE + 1n, 0x4000n), 0x4000n);
    refused(u, Errno.EINVAL, () => u.unmap(BASE, 0x4001n), 0x4001n);
    refused(u, Errno.EINVAL, () => u.unmap(BASE, 0n), 0n);
    refused(u, Errno.EINVAL, () => u.unmap(0n, 0x1000n, 2), 0x1000n);
    refused(u, Errno.EINVAL, () => u.unmap(0x1000n, 0n, 2), 0n);
    refused(u, Errno.EINVAL, () => u.unmap(0n, 0n, 3, 48), 0n);
    refused(u, Errno.EINVAL, () => u.unmap(BASE, 0x4000n, 5, 48), 0x4000n);
    refused(u, Errno.EINVAL, () => u.unmap(BASE, 0x4000n, 1), 0x4000n);
    refused(u, Errno.EOVERFLOW, () => u.unmap(2n ** 64n - 4096n, 0x2000n), 0x2000n);
  });

  it("removes up to the last byte of the address space", () => {
    const { u } = ready();
    expect(u.unmap(0x1000n, 2n ** 64n - 4096n)).toEqual({ result: 0, size: 0x8000n });
    expect(u.iommu.mappings).toEqual([]);
  });

  it("has removed the mappings even when the size cannot be written back", () => {
    const { u } = ready();
    u.put(new Uint8Array());
    const bytes = new DataView(new ArrayBuffer(24));
    bytes.setUint32(0, 24, true);
    bytes.setBigUint64(8, BASE, true);
    bytes.setBigUint64(16, 0x4000n, true);
    u.process.write(u.struct, new Uint8Array(bytes.buffer));
    u.process.mprotect(u.struct, 4096n, 1);
    expect(u.process.ioctl(u.container, 0x3b72, u.struct)).toBe(-Errno.EFAULT);
    expect(u.iommu.mappings).toHaveLength(1);
    expect(u.process.mm.lockedVm).toBe(4);
  });

  it("unmaps scattered memory in chunks, and unpins nothing before the invalidation that covers it", () => {
    const u = VfioUser.ready();
    const pages = 1300;
    const a = u.process.mmap(size(pages), "pop", { layout: { kind: "fragmented", seed: 2 } });
    u.map(0n, size(pages), a);
    expect(u.unmap(0n, size(pages)).result).toBe(0);
    const scripts = u.kernel.lastScripts;
    expect(scripts).toHaveLength(3);
    for (const script of scripts) {
      const ops = [...script].map((step) => step.op);
      expect(ops.indexOf("unpin")).toBeGreaterThan(ops.indexOf("wait"));
      expect(ops.indexOf("wait")).toBeGreaterThan(ops.indexOf("invalidate"));
    }
    expect(u.process.mm.lockedVm).toBe(0);
    expect(u.kernel.iommu.pool.live).toBe(1);
  });

  it("with VADDR marks all mappings of the range or none", () => {
    const { u } = ready();
    expect(u.unmap(BASE, 0x4000n, 4).result).toBe(0);
    refused(u, Errno.EINVAL, () => u.unmap(BASE, 0x8000n, 4), 0x8000n);
    refused(u, Errno.EINVAL, () => u.unmap(0n, 0n, 6), 0n);
    expect(u.attach(u.openGroup(1))).toBe(-Errno.EBUSY);
    expect(u.unmap(BASE, 0x4000n).result).toBe(0);
    expect(u.iommu.vaddrInvalidCount).toBe(0);
    expect(u.attach(u.groups[1]!)).toBe(0);
  });
});
