import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RAM_BASE_PFN } from "../../src/engine/types.ts";
import { KernelBug } from "../../src/kernel/fault-injection.ts";
import { FrameBlock, type UnitPages } from "../../src/kernel/mm/frame-block.ts";
import { FrameAllocator, MMIO_BASE_PFN, ZERO_PAGE_PFN } from "../../src/kernel/mm/frames.ts";
import { FreeRanges } from "../../src/kernel/mm/free-ranges.ts";
import { Permutation } from "../../src/kernel/mm/permutation.ts";
import { PAGES_PER_1G, PAGES_PER_2M, pfn } from "../../src/units/index.ts";
import { PinBook } from "./machine.ts";

const contiguous = { kind: "contiguous" } as const;
const FOUR_GIB_PAGES = 1 << 20;

describe("a permutation", () => {
  it("hits every value once", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3000 }), fc.integer(), (size, seed) => {
        const p = new Permutation(size, seed);
        const images = new Set(Array.from({ length: size }, (_, i) => p.at(i)));
        expect(images.size).toBe(size);
        expect(Math.max(...images)).toBe(size - 1);
      }),
      { seed: 21 },
    );
  });
});

describe("a fragmented block", () => {
  it("gives every page a frame of its own inside its span, and no two neighbours adjacent ones", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5000 }),
        fc.integer(),
        fc.constantFrom<UnitPages>(1, PAGES_PER_2M),
        (pages, seed, unit) => {
          const block = new FrameBlock(pfn(RAM_BASE_PFN), pages, unit, { kind: "fragmented", seed });
          const seen = new Set<number>();
          let outside = 0;
          let wrongJoins = 0;
          let wrongRuns = 0;
          for (let i = 0; i < pages; i++) {
            const frame = block.frameAt(i);
            seen.add(frame);
            if (frame < block.first || frame >= block.first + block.span) outside++;
            if (i > 0 && (frame === block.frameAt(i - 1) + 1) !== (i % unit !== 0)) wrongJoins++;
            if (block.runAt(i) !== Math.min(unit - (i % unit), pages - i)) wrongRuns++;
          }
          expect({ outside, wrongJoins, wrongRuns, frames: seen.size }).toEqual({
            outside: 0,
            wrongJoins: 0,
            wrongRuns: 0,
            frames: pages,
          });
        },
      ),
      { seed: 22, numRuns: 60 },
    );
  });

  it("of a few GiB crosses 4 GiB borders between neighbours", () => {
    const block = new FrameBlock(pfn(RAM_BASE_PFN), 4 * FOUR_GIB_PAGES, 1, { kind: "fragmented", seed: 3 });
    let crossings = 0;
    for (let i = 1; i <= 1000; i++) {
      const high = Math.floor(block.frameAt(i) / FOUR_GIB_PAGES);
      if (high !== Math.floor(block.frameAt(i - 1) / FOUR_GIB_PAGES)) crossings++;
    }
    expect(crossings).toBeGreaterThan(500);
  });

  it("differs with the seed", () => {
    const frames = (seed: number) => {
      const block = new FrameBlock(pfn(RAM_BASE_PFN), 100, 1, { kind: "fragmented", seed });
      return Array.from({ length: 100 }, (_, i) => block.frameAt(i));
    };
    expect(frames(1)).toEqual(frames(1));
    expect(frames(1)).not.toEqual(frames(2));
  });
});

describe("free ranges", () => {
  it("take aligned pieces that are free, give them back, and join what touches, as a bit per frame would", () => {
    const size = 200;
    let taken = 0;
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            count: fc.integer({ min: 1, max: 40 }),
            align: fc.constantFrom(1, 8),
            from: fc.integer({ min: 0, max: size }),
            highest: fc.boolean(),
            victim: fc.nat(),
            give: fc.boolean(),
          }),
          { maxLength: 60, size: "max" },
        ),
        (operations) => {
          const ranges = new FreeRanges(0, size);
          const free = new Array<boolean>(size).fill(true);
          const held: [number, number][] = [];
          const fits = (start: number, count: number) =>
            start + count <= size && free.slice(start, start + count).every(Boolean);
          for (const o of operations) {
            if (o.give && held.length > 0) {
              const [start, end] = held.splice(o.victim % held.length, 1)[0]!;
              ranges.give(start, end);
              free.fill(true, start, end);
              expect(() => ranges.give(start, end)).toThrow(KernelBug);
              continue;
            }
            const got = o.highest
              ? ranges.takeHighest(o.count, o.align)
              : ranges.take(o.count, o.align, o.from);
            const places = Array.from({ length: size }, (_, i) => i).filter(
              (i) => i % o.align === 0 && fits(i, o.count),
            );
            const above = places.filter((i) => i >= o.from);
            expect(got).toBe((o.highest ? places.at(-1) : (above[0] ?? places[0])) ?? -1);
            if (got < 0) continue;
            taken++;
            free.fill(false, got, got + o.count);
            held.push([got, got + o.count]);
            expect(ranges.frames).toBe(free.filter(Boolean).length);
          }
        },
      ),
      { seed: 24, numRuns: 100 },
    );
    expect(taken).toBeGreaterThan(500);
  });
});

describe("the frame allocator", () => {
  it("never hands out a frame that is in use, reuses all that are not, and says when RAM is exhausted", () => {
    const ram = 1 << 14;
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            pages: fc.integer({ min: 1, max: 2000 }),
            unit: fc.constantFrom<UnitPages>(1, PAGES_PER_2M),
            fragmented: fc.boolean(),
            victim: fc.nat(),
            pinned: fc.boolean(),
          }),
          { maxLength: 60 },
        ),
        (requests) => {
          const pins = new PinBook(ram);
          const frames = new FrameAllocator(pins);
          const live: FrameBlock[] = [];
          const owner = new Set<number>();
          for (const r of requests) {
            const layout = r.fragmented ? ({ kind: "fragmented", seed: r.victim } as const) : contiguous;
            const block = frames.allocate(r.pages, r.unit, layout);
            if (block === null) {
              const victim = live.splice(r.victim % live.length, 1)[0]!;
              for (let f = 0; f < victim.span; f++) owner.delete(victim.first + f);
              if (r.pinned) {
                pins.pinFrames(victim.first, 1);
                victim.notePinned(victim.first, 1);
                frames.release(victim);
                expect(frames.reclaim()).toBe(1);
                pins.unpinFrames(victim.first, 1);
                expect(frames.reclaim()).toBe(0);
              } else frames.release(victim);
              continue;
            }
            live.push(block);
            expect(block.first % r.unit).toBe(0);
            const before = owner.size;
            for (let f = 0; f < block.span; f++) owner.add(block.first + f);
            expect(owner.size).toBe(before + block.span);
            expect(block.first >= RAM_BASE_PFN && block.first + block.span <= RAM_BASE_PFN + ram).toBe(true);
            expect(frames.freeFrames).toBe(ram - owner.size);
          }
          for (const block of live) frames.release(block);
          expect(frames.freeFrames).toBe(ram);
        },
      ),
      { seed: 23, numRuns: 40 },
    );
  });

  it("keeps an unmapped block until the last unpin, and takes it back on its own when RAM runs short", () => {
    const pins = new PinBook(1024);
    const frames = new FrameAllocator(pins);
    const block = frames.allocate(1024, 1, contiguous)!;
    pins.pinFrames(pfn(block.first + 700), 2);
    block.notePinned(pfn(block.first + 700), 2);
    frames.release(block);
    expect(frames.allocate(1, 1, contiguous)).toBeNull();
    pins.unpinFrames(pfn(block.first + 700), 1);
    expect(frames.allocate(1, 1, contiguous)).toBeNull();
    pins.unpinFrames(pfn(block.first + 701), 1);
    expect(frames.allocate(1024, 1, contiguous)?.first).toBe(block.first);
  });

  it("aligns huge frames, and contiguous memory to the largest leaf that fits", () => {
    const frames = new FrameAllocator(new PinBook(2 ** 28));
    expect(frames.allocate(3, 1, contiguous)!.first).toBeGreaterThanOrEqual(RAM_BASE_PFN);
    expect(frames.allocate(700, 1, contiguous)!.first % PAGES_PER_2M).toBe(0);
    expect(frames.allocate(PAGES_PER_1G + 5, 1, contiguous)!.first % PAGES_PER_1G).toBe(0);
    expect(frames.allocate(PAGES_PER_1G, PAGES_PER_1G, contiguous)!.first % PAGES_PER_1G).toBe(0);
  });

  it("spreads small blocks over many 4 GiB zones and still has 1 TiB in one piece", () => {
    const frames = new FrameAllocator(new PinBook(2 ** 28 + 2 ** 26));
    const zones = new Set<number>();
    for (let i = 0; i < 64; i++)
      zones.add(Math.floor(frames.allocate(4, 1, contiguous)!.first / FOUR_GIB_PAGES));
    expect(zones.size).toBe(64);
    expect(frames.allocate(2 ** 28, PAGES_PER_1G, contiguous)).not.toBeNull();
    expect(frames.allocate(2 ** 28, PAGES_PER_1G, contiguous)).toBeNull();
  });

  it("keeps the zero page and device memory out of RAM", () => {
    const frames = new FrameAllocator(new PinBook(1024));
    const first = frames.allocateMmio(256);
    const second = frames.allocateMmio(3);
    expect(first % 256).toBe(0);
    expect(second).toBeGreaterThanOrEqual(first + 256);
    expect(second).toBeLessThan(RAM_BASE_PFN);
    expect(frames.hasMmio(2 ** 23)).toBe(false);
    expect(() => frames.allocateMmio(2 ** 23)).toThrow(KernelBug);
    expect(ZERO_PAGE_PFN).toBeLessThan(MMIO_BASE_PFN);
  });
});
