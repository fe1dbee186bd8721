import { describe, expect, it } from "vitest";
import { RAM_BASE_PFN } from "../../src/engine/types.ts";
import type { ProcessMemory } from "../../src/kernel/mm/address-space.ts";
import { ZERO_PAGE_PFN } from "../../src/kernel/mm/frames.ts";
import type { MemoryKind, PinnedRun } from "../../src/kernel/mm/types.ts";
import { PERSONALITIES, type Personality } from "../../src/kernel/personality.ts";
import { Errno } from "../../src/uapi/errno.ts";
import { PAGES_PER_2M, pfn, READ, vaddrPfn, WRITE } from "../../src/units/index.ts";
import { accounted, emptyRun, makeMachine, pinRange, unpinAll } from "./machine.ts";

const MIB = 256;

function runsOf(mm: ProcessMemory, start: number, pages: number, rights: number): PinnedRun[] {
  const runs = pinRange(mm, start, pages, rights);
  if (typeof runs === "number") throw new Error(`pin failed with ${runs}`);
  return runs;
}

describe("pages accounted for a pin of 16 pages, by kind and personality, as recorded on real kernels", () => {
  const oldRead: Personality[] = ["6.1"];
  const rows: [MemoryKind, number, (p: Personality) => number | null][] = [
    ["anon", READ, (p) => (oldRead.includes(p) ? 0 : 16)],
    ["anon", WRITE, () => 16],
    ["anon", READ | WRITE, () => 16],
    ["pop", READ, () => 16],
    ["thp", READ | WRITE, () => 16],
    ["ro", READ, (p) => (oldRead.includes(p) ? 0 : 16)],
    ["ro", WRITE, () => null],
    ["ro", READ | WRITE, () => null],
    ["none", READ, () => null],
    ["none", READ | WRITE, () => null],
    ["memfd", READ, () => 16],
    ["memfd", READ | WRITE, () => 16],
    ["memfdro", READ, () => 16],
    ["memfdro", READ | WRITE, () => null],
    ["huge2m", READ, () => 16],
    ["huge2m", READ | WRITE, () => 16],
    ["huge1g", READ | WRITE, () => 16],
    ["unmapped", READ, () => null],
    ["bar", READ, () => 0],
    ["bar", READ | WRITE, () => 0],
  ];
  for (const personality of PERSONALITIES)
    for (const [kind, rights, expected] of rows) {
      const want = expected(personality);
      it(`${personality} ${kind} rights ${rights}: ${want ?? "EFAULT"}`, () => {
        const machine = makeMachine(personality);
        const mm = machine.newMemory();
        const start = mm.mmap({ kind, pages: 1 * MIB });
        const got = pinRange(mm, start, 16, rights);
        if (want === null) expect(got).toBe(-Errno.EFAULT);
        else {
          expect(accounted(got as PinnedRun[])).toBe(want);
          expect(machine.pins.total).toBe(want);
          unpinAll(mm, got as PinnedRun[]);
        }
        expect(machine.pins.total).toBe(0);
      });
    }
});

describe("copy on write", () => {
  it("puts a private frame in the place of the zero page when 6.1 pins it for write", () => {
    const machine = makeMachine("6.1");
    const mm = machine.newMemory();
    const start = mm.mmap({ kind: "anon", pages: 8 });
    const before = runsOf(mm, start, 8, READ);
    expect(before).toHaveLength(8);
    expect(before.every((r) => r.pfn === ZERO_PAGE_PFN && !r.accounted && !r.pinned)).toBe(true);
    expect([...mm.pagemap(vaddrPfn(start), 8)].every((r) => r.pfn === ZERO_PAGE_PFN)).toBe(true);
    const [run] = runsOf(mm, start, 8, WRITE);
    expect(run).toMatchObject({ pages: 8, accounted: true, pinned: true });
    const [after] = runsOf(mm, start, 8, READ);
    expect(after).toEqual(run);
    expect(machine.pins.total).toBe(16);
  });

  it("splits a 6.1 read pin where touched and untouched pages meet", () => {
    const machine = makeMachine("6.1");
    const mm = machine.newMemory();
    const start = mm.mmap({ kind: "anon", pages: 1024 });
    expect(mm.touch(start, 4)).toBe(0);
    const runs = runsOf(mm, start, 8, READ);
    expect(runs.map((r) => [r.pages, r.accounted])).toEqual([
      [4, true],
      [1, false],
      [1, false],
      [1, false],
      [1, false],
    ]);
  });

  it.each(["6.12", "7.3"] as const)(
    "gives %s a private frame at the read pin, and the same at a later write",
    (personality) => {
      const mm = makeMachine(personality).newMemory();
      const start = mm.mmap({ kind: "anon", pages: 8 });
      const read = runsOf(mm, start, 8, READ);
      expect(mm.touch(start, 8)).toBe(0);
      expect(runsOf(mm, start, 8, READ | WRITE)).toEqual(read);
    },
  );
});

describe("runs", () => {
  it("end at the first page that cannot be pinned, and the next call fails there", () => {
    const machine = makeMachine();
    const mm = machine.newMemory();
    const start = mm.mmap({ kind: "anon", pages: 1024 });
    expect(mm.munmap(start + 512, 1)).toBe(0);
    expect(mm.mprotect(start + 768, 1, 0)).toBe(0);
    expect(mm.mprotect(start + 896, 1, READ)).toBe(0);
    const run = emptyRun();
    expect(mm.pinRun(vaddrPfn(start), 1024, READ | WRITE, run)).toBe(512);
    expect(mm.pinRun(vaddrPfn(start + 512), 512, READ | WRITE, run)).toBe(-Errno.EFAULT);
    expect(mm.pinRun(vaddrPfn(start + 513), 511, READ | WRITE, run)).toBe(255);
    expect(mm.pinRun(vaddrPfn(start + 769), 255, READ | WRITE, run)).toBe(127);
    expect(mm.pinRun(vaddrPfn(start + 769), 255, READ, run)).toBe(255);
    expect(machine.pins.total).toBe(512 + 255 + 127 + 255);
  });

  it("go on across areas that mprotect split but frames join", () => {
    const mm = makeMachine().newMemory();
    const start = mm.mmap({ kind: "pop", pages: 64 });
    expect(mm.mprotect(start + 10, 5, READ)).toBe(0);
    const run = emptyRun();
    expect(mm.pinRun(vaddrPfn(start), 64, READ, run)).toBe(64);
    expect(mm.pinRun(vaddrPfn(start), 64, WRITE, run)).toBe(10);
  });

  it("across areas keep all their frames until the last unpin", () => {
    const machine = makeMachine();
    const mm = machine.newMemory();
    const start = mm.mmap({ kind: "pop", pages: 64 });
    expect(mm.mprotect(start + 10, 54, READ)).toBe(0);
    const run = emptyRun();
    expect(mm.pinRun(vaddrPfn(start), 64, READ, run)).toBe(64);
    mm.exit();
    mm.unpinRun(run.pfn, 63);
    expect(machine.frames.reclaim()).toBe(1);
    mm.unpinRun(pfn(run.pfn + 63), 1);
    expect(machine.frames.reclaim()).toBe(0);
  });

  it("never join device memory and RAM, though the frame numbers are adjacent", () => {
    const machine = makeMachine();
    const mm = machine.newMemory();
    const at = 0x2_0000_0000;
    mm.mmap({ kind: "bar", pages: 1, at: vaddrPfn(at), barPfn: pfn(RAM_BASE_PFN - 1) });
    mm.mmap({ kind: "pop", pages: 1, at: vaddrPfn(at + 1) });
    expect([...mm.pagemap(vaddrPfn(at), 2)]).toMatchObject([{ pfn: RAM_BASE_PFN - 1, pages: 2 }]);
    expect(runsOf(mm, at, 2, WRITE).map((r) => [r.pages, r.pinned])).toEqual([
      [1, false],
      [1, true],
    ]);
    expect(machine.pins.total).toBe(1);
  });

  it("of a BAR are contiguous and end with it", () => {
    const machine = makeMachine();
    const mm = machine.newMemory();
    const start = mm.mmap({ kind: "bar", pages: 256 });
    const run = emptyRun();
    expect(mm.pinRun(vaddrPfn(start), 257, READ | WRITE, run)).toBe(256);
    expect(run).toMatchObject({ accounted: false, pinned: false });
    expect(mm.pinRun(vaddrPfn(start + 256), 1, READ | WRITE, run)).toBe(-Errno.EFAULT);
    expect(machine.pins.total).toBe(0);
  });

  it("of fragmented memory are one frame each, of fragmented huge pages one huge page each", () => {
    const mm = makeMachine().newMemory();
    const small = mm.mmap({ kind: "pop", pages: 300, layout: { kind: "fragmented", seed: 7 } });
    expect(runsOf(mm, small, 300, WRITE).map((r) => r.pages)).toEqual(Array(300).fill(1));
    const huge = mm.mmap({
      kind: "huge2m",
      pages: 4 * PAGES_PER_2M,
      layout: { kind: "fragmented", seed: 7 },
    });
    const runs = runsOf(mm, huge, 4 * PAGES_PER_2M, WRITE);
    expect(runs.map((r) => r.pages)).toEqual(Array(4).fill(PAGES_PER_2M));
    expect(runs.every((r) => r.pfn % PAGES_PER_2M === 0)).toBe(true);
  });

  it("fail with ENOMEM and pin nothing when an injected failure hits, and ask once a call", () => {
    const machine = makeMachine();
    const mm = machine.newMemory();
    const start = mm.mmap({ kind: "pop", pages: 64, layout: { kind: "fragmented", seed: 1 } });
    machine.faults.arm(3);
    expect(pinRange(mm, start, 64, WRITE)).toBe(-Errno.ENOMEM);
    expect(machine.faults.hit).toBe("pin");
    expect(machine.faults.sites.get("pin")).toBe(3);
    expect(machine.pins.total).toBe(0);
  });
});
