import { describe, expect, it } from "vitest";
import { TASK_SIZE_PAGES } from "../../src/kernel/mm/user-copy.ts";
import { Errno } from "../../src/uapi/errno.ts";
import { PAGES_PER_1G, PAGES_PER_2M, pfn, READ, vaddrPfn, WRITE } from "../../src/units/index.ts";
import { emptyRun, makeMachine, pinRange, unpinAll } from "./machine.ts";

const areasOf = (mm: ReturnType<ReturnType<typeof makeMachine>["newMemory"]>) =>
  [...mm.areas()].map((a) => [a.start, a.end, a.rights]);

describe("mmap", () => {
  it("places mappings at multiples of 2 MiB, 1 GiB where that can be a leaf, never touching", () => {
    const mm = makeMachine("7.3", 2 ** 22).newMemory();
    const places = [3, 512, 1, PAGES_PER_1G].map((pages) => mm.mmap({ kind: "pop", pages }));
    expect(places.map((p) => p % PAGES_PER_2M)).toEqual([0, 0, 0, 0]);
    expect(places[3]! % PAGES_PER_1G).toBe(0);
    const areas = areasOf(mm);
    for (let i = 1; i < areas.length; i++) expect(areas[i]![0]).toBeGreaterThan(areas[i - 1]![1]!);
  });

  it("rounds huge mappings up and cuts them only at their page size", () => {
    const mm = makeMachine().newMemory();
    const start = mm.mmap({ kind: "huge2m", pages: 1000 });
    const before = areasOf(mm);
    expect(before).toEqual([[start, start + 1024, READ | WRITE]]);
    for (const failed of [
      mm.munmap(start, 1),
      mm.munmap(start + 8, 512),
      mm.mprotect(start, 100, READ),
      mm.remap(start, 5),
    ])
      expect(failed).toBe(-Errno.EINVAL);
    expect(areasOf(mm)).toEqual(before);
    expect(mm.munmap(start + 512, 512)).toBe(0);
    expect(areasOf(mm)).toEqual([[start, start + 512, READ | WRITE]]);
  });

  it("answers ENOMEM when RAM or addresses run out, EINVAL for nonsense, and changes nothing", () => {
    const machine = makeMachine("7.3", 1024);
    const mm = machine.newMemory();
    const start = mm.mmap({ kind: "pop", pages: 600 });
    const before = areasOf(mm);
    expect(mm.mmap({ kind: "pop", pages: 600 })).toBe(-Errno.ENOMEM);
    expect(mm.mmap({ kind: "pop", pages: 600, at: vaddrPfn(start) })).toBe(-Errno.ENOMEM);
    expect(mm.mmap({ kind: "unmapped", pages: TASK_SIZE_PAGES })).toBe(-Errno.ENOMEM);
    expect(mm.mmap({ kind: "pop", pages: 0 })).toBe(-Errno.EINVAL);
    expect(mm.mmap({ kind: "huge2m", pages: 512, at: vaddrPfn(start + 1) })).toBe(-Errno.EINVAL);
    expect(areasOf(mm)).toEqual(before);
    expect(machine.frames.freeFrames).toBe(1024 - 600);
  });

  it("places nothing over a mapping that asked for its address", () => {
    const mm = makeMachine().newMemory();
    const first = mm.mmap({ kind: "pop", pages: 4 });
    const asked = first + 5 * PAGES_PER_2M;
    expect(mm.mmap({ kind: "pop", pages: 100, at: vaddrPfn(asked) })).toBe(asked);
    for (let i = 0; i < 8; i++) mm.mmap({ kind: "bar", pages: PAGES_PER_2M });
    const areas = areasOf(mm);
    expect(areas).toHaveLength(10);
    for (let i = 1; i < areas.length; i++) expect(areas[i]![0]).toBeGreaterThanOrEqual(areas[i - 1]![1]!);
  });

  it("of a BAR fails with ENOMEM when there is no room for its window", () => {
    const mm = makeMachine().newMemory();
    expect(mm.mmap({ kind: "bar", pages: 2 ** 24 })).toBe(-Errno.ENOMEM);
    expect(areasOf(mm)).toEqual([]);
  });

  it("finds gaps again when all addresses have been used once", () => {
    const mm = makeMachine().newMemory();
    const half = 2 ** 33;
    const barPfn = pfn(0);
    const first = mm.mmap({ kind: "bar", pages: half, barPfn });
    for (let i = 0; i < 2; i++) expect(mm.mmap({ kind: "bar", pages: half, barPfn })).toBeGreaterThan(first);
    expect(mm.mmap({ kind: "bar", pages: 2 * half, barPfn })).toBe(-Errno.ENOMEM);
    expect(mm.munmap(first, half)).toBe(0);
    expect(mm.mmap({ kind: "bar", pages: half, barPfn })).toBe(first);
  });
});

describe("munmap and remap of pinned memory", () => {
  it("keep the frames until the last unpin, and give new memory other ones", () => {
    const machine = makeMachine("7.3", 4096);
    const mm = machine.newMemory();
    const start = mm.mmap({ kind: "pop", pages: 1024 });
    const run = emptyRun();
    expect(mm.pinRun(vaddrPfn(start + 100), 50, READ | WRITE, run)).toBe(50);
    expect(mm.remap(start, 1024)).toBe(0);
    expect(mm.touch(start, 1024)).toBe(0);
    const fresh = emptyRun();
    expect(mm.pinRun(vaddrPfn(start + 100), 50, READ | WRITE, fresh)).toBe(50);
    expect(fresh.pfn >= run.pfn + 50 || fresh.pfn + 50 <= run.pfn).toBe(true);
    expect(mm.munmap(start, 1024)).toBe(0);
    expect(machine.frames.reclaim()).toBe(2);
    mm.unpinRun(run.pfn, run.pages);
    expect(machine.frames.reclaim()).toBe(1);
    mm.unpinRun(fresh.pfn, fresh.pages);
    expect(machine.frames.reclaim()).toBe(0);
    expect(machine.frames.freeFrames).toBe(4096);
  });

  it("do not run out of frames when a page is replaced again and again under a short-lived pin", () => {
    const machine = makeMachine("7.3", 4096);
    const mm = machine.newMemory();
    const start = mm.mmap({ kind: "pop", pages: 64 });
    for (let i = 0; i < 10_000; i++) {
      const runs = pinRange(mm, start + 3, 1, WRITE);
      if (typeof runs === "number") throw new Error(`pin ${i} failed with ${runs}`);
      expect(mm.remap(start + 3, 1)).toBe(0);
      unpinAll(mm, runs);
    }
    expect(machine.pins.total).toBe(0);
  });
});

describe("mprotect", () => {
  it("changes nothing and answers ENOMEM when a page of the range is not mapped", () => {
    const mm = makeMachine().newMemory();
    const start = mm.mmap({ kind: "pop", pages: 16 });
    expect(mm.munmap(start + 8, 1)).toBe(0);
    const before = areasOf(mm);
    expect(mm.mprotect(start, 16, READ)).toBe(-Errno.ENOMEM);
    expect(areasOf(mm)).toEqual(before);
  });

  it("leaves pins of memory that becomes inaccessible alone", () => {
    const machine = makeMachine();
    const mm = machine.newMemory();
    const start = mm.mmap({ kind: "pop", pages: 16 });
    const runs = pinRange(mm, start, 16, WRITE);
    expect(mm.mprotect(start, 16, 0)).toBe(0);
    expect(machine.pins.total).toBe(16);
    expect(pinRange(mm, start, 1, READ)).toBe(-Errno.EFAULT);
    expect(mm.mprotect(start, 16, READ | WRITE)).toBe(0);
    expect(pinRange(mm, start, 16, WRITE)).toEqual(runs);
  });
});
