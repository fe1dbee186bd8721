import { describe, expect, it } from "vitest";
import { createEngine } from "../../src/engine/index.ts";
import { FaultInjector } from "../../src/kernel/fault-injection.ts";
import { ProcessMemory } from "../../src/kernel/mm/address-space.ts";
import { FrameAllocator } from "../../src/kernel/mm/frames.ts";
import { PAGES_PER_1G as PAGES_1G, pfn, READ, vaddrPfn, WRITE } from "../../src/units/index.ts";
import { emptyRun } from "./machine.ts";

const PAGES_64G = 2 ** 24;
const PAGES_1T = 2 ** 28;
const MIB = 2 ** 20;

const residentBytes = () => process.memoryUsage.rss();

function setUp() {
  const engine = createEngine();
  const frames = new FrameAllocator(engine);
  const host = { frames, engine, faults: new FaultInjector(), personality: "7.3" } as const;
  return { engine, frames, mm: new ProcessMemory(host) };
}

describe("memory at full size, with the engine's pin counts", () => {
  it("maps 64 GiB of scattered 4 KiB frames and pins a sample within 192 MiB of host memory", () => {
    const { engine, frames, mm } = setUp();
    const before = residentBytes();
    const layout = { kind: "fragmented", seed: 5 } as const;
    const start = mm.mmap({ kind: "anon", pages: PAGES_64G, layout });
    const run = emptyRun();
    const pinned = new Set<number>();
    for (let i = 0; i < PAGES_64G; i += 311) {
      expect(mm.pinRun(vaddrPfn(start + i), PAGES_64G - i, READ | WRITE, run)).toBe(1);
      pinned.add(run.pfn);
    }
    expect(pinned.size).toBe(Math.ceil(PAGES_64G / 311));
    expect(residentBytes() - before).toBeLessThan(192 * MIB);
    for (const frame of pinned) mm.unpinRun(pfn(frame), 1);
    expect([...pinned].every((frame) => engine.framePins(pfn(frame)) === 0)).toBe(true);
    mm.exit();
    expect(frames.reclaim()).toBe(0);
    expect(frames.freeFrames).toBe(engine.ramFrames);
  });

  it("tells the frames of 1 GiB of scattered pages in 4 bytes each", () => {
    const { mm } = setUp();
    const layout = { kind: "fragmented", seed: 9 } as const;
    const start = mm.mmap({ kind: "pop", pages: PAGES_1G, layout });
    const array = mm.frameArray(vaddrPfn(start), PAGES_1G);
    if (array.kind !== "scattered") throw new Error("scattered memory came back contiguous");
    expect(array.frames.byteLength).toBe(4 * PAGES_1G);
    expect(new Set(array.frames).size).toBe(PAGES_1G);
    const run = emptyRun();
    for (let i = 0; i < PAGES_1G; i += 997) {
      expect(mm.pinRun(vaddrPfn(start + i), 1, WRITE, run)).toBe(1);
      expect(run.pfn).toBe(array.base + array.frames[i]!);
    }
  });

  it("maps and pins 1 TiB of scattered 1 GiB frames beside it within 64 MiB", () => {
    const { engine, mm } = setUp();
    const before = residentBytes();
    const small = { kind: "fragmented", seed: 1 } as const;
    expect(mm.mmap({ kind: "pop", pages: PAGES_64G, layout: small })).toBeGreaterThan(0);
    const layout = { kind: "fragmented", seed: 2 } as const;
    const start = mm.mmap({ kind: "huge1g", pages: PAGES_1T, layout });
    expect(start).toBeGreaterThan(0);
    const runs: number[] = [];
    const run = emptyRun();
    for (let i = 0; i < PAGES_1T; ) {
      const got = mm.pinRun(vaddrPfn(start + i), PAGES_1T - i, READ | WRITE, run);
      expect(got).toBe(PAGES_1G);
      runs.push(run.pfn);
      i += got;
    }
    expect(new Set(runs).size).toBe(1024);
    expect(runs.every((frame) => frame % PAGES_1G === 0)).toBe(true);
    expect(residentBytes() - before).toBeLessThan(64 * MIB);
    for (const frame of runs) mm.unpinRun(pfn(frame), PAGES_1G);
    expect(engine.framePins(pfn(runs[500]!))).toBe(0);
  });
});
