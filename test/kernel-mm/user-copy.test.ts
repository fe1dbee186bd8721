import { describe, expect, it } from "vitest";
import { SharedMemory } from "../../src/kernel/mm/mmap-request.ts";
import type { MemoryKind } from "../../src/kernel/mm/types.ts";
import { TASK_SIZE_BYTES } from "../../src/kernel/mm/user-copy.ts";
import { Errno } from "../../src/uapi/errno.ts";
import { PAGE_SIZE_BYTES, pageToBytes, READ, vaddrPfn } from "../../src/units/index.ts";
import { makeMachine } from "./machine.ts";

const AT = 0x2_0000_0000;
const BASE = pageToBytes(AT);
const OLD = 0xa5;

const readable: Partial<Record<MemoryKind, boolean>> = { pop: true, anon: true, ro: true };
const writable: Partial<Record<MemoryKind, boolean>> = { pop: true, anon: true };
const KINDS: MemoryKind[] = ["pop", "anon", "ro", "none", "unmapped"];

/** Three pages of the given kinds next to each other, with a byte pattern where user space can write. */
function threePages(kinds: readonly MemoryKind[]) {
  const mm = makeMachine().newMemory();
  for (const [i, kind] of kinds.entries()) mm.mmap({ kind, pages: 1, at: vaddrPfn(AT + i) });
  for (const [i, kind] of kinds.entries())
    if (writable[kind])
      mm.copyToUser(
        pageToBytes(AT + i),
        Uint8Array.from({ length: PAGE_SIZE_BYTES }, (_, b) => (b * 7 + i) & 0xff),
      );
  return mm;
}

/** Length, then where it starts relative to the border before the middle page. */
const SPANS: [number, number][] = [1, 2, 8, 48, 4095, 4096, 4097, 8192].flatMap((length) =>
  [-length - 1, -length, -length + 1, -1, 0, 1].map((from): [number, number] => [length, from]),
);

describe("copies at page borders", () => {
  for (const left of KINDS)
    for (const right of KINDS) {
      it(`from and to user, ${left} before ${right}: EFAULT iff a touched page forbids it`, () => {
        let checked = 0;
        for (const [length, from] of SPANS) {
          const start = PAGE_SIZE_BYTES + from;
          const end = start + length;
          if (start < 0 || end > 3 * PAGE_SIZE_BYTES) continue;
          checked++;
          const kinds = [left, right, right] as const;
          const touched = kinds.filter(
            (_, i) => start < (i + 1) * PAGE_SIZE_BYTES && end > i * PAGE_SIZE_BYTES,
          );
          const mm = threePages(kinds);
          const vaddr = BASE + BigInt(start);

          const canRead = touched.every((k) => readable[k]);
          const dst = new Uint8Array(length);
          expect(mm.copyFromUser(dst, vaddr)).toBe(canRead ? 0 : -Errno.EFAULT);
          if (canRead)
            for (let b = 0; b < length; b++) {
              const page = Math.floor((start + b) / PAGE_SIZE_BYTES);
              const want = writable[kinds[page]!] ? (((start + b) % PAGE_SIZE_BYTES) * 7 + page) & 0xff : 0;
              if (dst[b] !== want) throw new Error(`byte ${b} of ${length} is ${dst[b]}, not ${want}`);
            }

          const canWrite = touched.every((k) => writable[k]);
          const before = threePages(kinds);
          const src = new Uint8Array(length).fill(OLD);
          expect(mm.copyToUser(vaddr, src)).toBe(canWrite ? 0 : -Errno.EFAULT);
          /* Bytes outside the range, and all from the first forbidden page on, are as before. */
          const firstBad = touched.findIndex((k) => !writable[k]);
          const firstPage = Math.floor(start / PAGE_SIZE_BYTES);
          const written = firstBad < 0 ? end : Math.max(start, (firstPage + firstBad) * PAGE_SIZE_BYTES);
          for (const [page, kind] of kinds.entries()) {
            if (!readable[kind]) continue;
            const now = new Uint8Array(PAGE_SIZE_BYTES);
            const then = new Uint8Array(PAGE_SIZE_BYTES);
            expect(mm.copyFromUser(now, pageToBytes(AT + page))).toBe(0);
            expect(before.copyFromUser(then, pageToBytes(AT + page))).toBe(0);
            for (let b = 0; b < PAGE_SIZE_BYTES; b++) {
              const at = page * PAGE_SIZE_BYTES + b;
              if (at >= start && at < written) then[b] = OLD;
            }
            expect(Buffer.compare(now, then)).toBe(0);
          }
        }
        expect(checked).toBeGreaterThan(30);
      });
    }
});

describe("addresses that no process has", () => {
  const bad: [string, bigint][] = [
    ["null", 0n],
    ["the page before a mapping", BASE - 1n],
    ["the last user page", BigInt(TASK_SIZE_BYTES) - 8n],
    ["one byte across the end of user space", BigInt(TASK_SIZE_BYTES) - 7n],
    ["the end of user space", BigInt(TASK_SIZE_BYTES)],
    ["not canonical", 0x8000_0000_0000n],
    ["a kernel address", 0xffff_8880_0000_0000n],
    ["the last byte, where the range wraps", 0xffff_ffff_ffff_ffffn],
    ["-8, where the range ends at 2^64", 0xffff_ffff_ffff_fff8n],
  ];
  it.each(bad)("%s: EFAULT both ways and no view", (_, vaddr) => {
    const mm = threePages(["pop", "pop", "pop"]);
    expect(mm.copyFromUser(new Uint8Array(8), vaddr)).toBe(-Errno.EFAULT);
    expect(mm.copyToUser(vaddr, new Uint8Array(8))).toBe(-Errno.EFAULT);
    expect(mm.userBytes(vaddr, 8)).toBeNull();
  });

  it("a range that leaves user space copies nothing, though its first bytes are mapped", () => {
    const mm = makeMachine().newMemory();
    const last = TASK_SIZE_BYTES / PAGE_SIZE_BYTES - 1;
    expect(mm.mmap({ kind: "pop", pages: 1, at: vaddrPfn(last) })).toBe(last);
    const vaddr = BigInt(TASK_SIZE_BYTES) - 8n;
    expect(mm.copyToUser(vaddr, new Uint8Array(16).fill(OLD))).toBe(-Errno.EFAULT);
    const dst = new Uint8Array(16).fill(1);
    expect(mm.copyFromUser(dst, vaddr)).toBe(-Errno.EFAULT);
    expect([...dst]).toEqual(Array(16).fill(1));
    expect([...mm.userBytes(vaddr, 8)!]).toEqual(Array(8).fill(0));
  });

  it("copies of no bytes succeed wherever user space may point", () => {
    const mm = threePages(["none", "none", "none"]);
    expect(mm.copyFromUser(new Uint8Array(0), 0n)).toBe(0);
    expect(mm.copyToUser(BASE, new Uint8Array(0))).toBe(0);
  });
});

describe("userBytes", () => {
  it("is a view of the bytes user space wrote, across pages", () => {
    const mm = makeMachine().newMemory();
    const start = mm.mmap({ kind: "pop", pages: 1024 });
    const bytes = Uint8Array.from({ length: 3 << 20 }, (_, i) => (i * 31) & 0xff);
    expect(mm.copyToUser(pageToBytes(start) + 24n, bytes)).toBe(0);
    const view = mm.userBytes(pageToBytes(start) + 24n, bytes.length)!;
    expect(Buffer.compare(view, bytes)).toBe(0);
    expect(mm.copyToUser(pageToBytes(start) + 24n, Uint8Array.of(9))).toBe(0);
    expect(view[0]).toBe(9);
  });

  it("is null where the whole range is not readable in one piece, and copyFromUser decides", () => {
    const mm = makeMachine().newMemory();
    const start = mm.mmap({ kind: "pop", pages: 4 });
    const vaddr = pageToBytes(start);
    expect(mm.userBytes(vaddr, 4 * PAGE_SIZE_BYTES + 1)).toBeNull();
    expect(mm.mprotect(start + 2, 1, READ)).toBe(0);
    expect(mm.userBytes(vaddr, 2 * PAGE_SIZE_BYTES)).not.toBeNull();
    expect(mm.userBytes(vaddr, 2 * PAGE_SIZE_BYTES + 1)).toBeNull();
    expect(mm.copyFromUser(new Uint8Array(4 * PAGE_SIZE_BYTES), vaddr)).toBe(0);
    expect(mm.mprotect(start + 2, 1, 0)).toBe(0);
    expect(mm.userBytes(vaddr + BigInt(2 * PAGE_SIZE_BYTES), 1)).toBeNull();
    expect(mm.copyFromUser(new Uint8Array(4 * PAGE_SIZE_BYTES), vaddr)).toBe(-Errno.EFAULT);
  });
});

describe("bytes in guest RAM", () => {
  it("are held a page at a time and read as zero where nothing was written", () => {
    const mm = makeMachine("7.3", 2 ** 26).newMemory();
    const start = mm.mmap({ kind: "pop", pages: 2 ** 24 });
    const vaddr = pageToBytes(start) + 40_000_000_123n;
    expect(mm.userBytes(vaddr, 8)).toBeNull();
    const src = Uint8Array.from({ length: 10_000 }, (_, i) => i & 0xff);
    expect(mm.copyToUser(vaddr, src)).toBe(0);
    const dst = new Uint8Array(10_010).fill(1);
    expect(mm.copyFromUser(dst, vaddr - 5n)).toBe(0);
    expect([...dst.subarray(0, 5), ...dst.subarray(10_005)]).toEqual(Array(10).fill(0));
    expect(Buffer.compare(dst.subarray(5, 10_005), src)).toBe(0);
  });
});

describe("shared memory", () => {
  it("shows one set of bytes through two mappings, and lives until the last of them is gone", () => {
    const machine = makeMachine();
    const free = machine.frames.freeFrames;
    const file = SharedMemory.create(machine.frames, 4)!;
    const [a, b] = [machine.newMemory(), machine.newMemory()];
    const first = a.mmap({ kind: "memfd", pages: 4, memfd: file });
    const second = b.mmap({ kind: "memfdro", pages: 4, memfd: file });
    expect(a.copyToUser(pageToBytes(first) + 5000n, Uint8Array.of(42))).toBe(0);
    const byte = new Uint8Array(1);
    expect(b.copyFromUser(byte, pageToBytes(second) + 5000n)).toBe(0);
    expect(byte[0]).toBe(42);
    expect([...a.pagemap(vaddrPfn(first), 4)][0]!.pfn).toBe([...b.pagemap(vaddrPfn(second), 4)][0]!.pfn);
    file.close();
    a.exit();
    expect(machine.frames.freeFrames).toBeLessThan(free);
    expect(b.munmap(second, 4)).toBe(0);
    expect(machine.frames.freeFrames).toBe(free);
  });
});
