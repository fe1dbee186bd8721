import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CarriedPins } from "../../src/edit-script/carried-pins.ts";
import { EditScript } from "../../src/edit-script/index.ts";
import { pfn } from "../../src/units/index.ts";

const FRAMES = 30;
const run = fc.record({
  pfn: fc.nat(FRAMES - 1).map(pfn),
  pages: fc.integer({ min: 1, max: 6 }),
  count: fc.integer({ min: 1, max: 3 }),
});
const call = fc.record({
  pinned: fc.array(run, { maxLength: 4 }),
  unpinned: fc.array(run, { maxLength: 4 }),
});

describe("pins from call to call", () => {
  it("are counted frame by frame, and told as the longest runs with one count", () => {
    let missed = 0;
    fc.assert(
      fc.property(fc.array(run, { maxLength: 8 }), fc.array(call, { maxLength: 6 }), (given, calls) => {
        const counts = new Array<number>(FRAMES + 10).fill(0);
        const add = (from: number, pages: number, count: number): void => {
          for (let frame = from; frame < from + pages; frame++) {
            if (counts[frame]! + count < 0) missed++;
            counts[frame] = Math.max(0, counts[frame]! + count);
          }
        };
        for (const { pfn, pages, count } of given) add(pfn, pages, count);
        let pins = CarriedPins.of(given);
        expect(pins.all()).toEqual(given);
        for (const { pinned, unpinned } of calls) {
          const steps = unpinned.map(({ pfn, pages }) => ({ op: "unpin", pfn, pages }) as const);
          pins = pins.after(pinned, EditScript.from(steps));
          for (const { pfn, pages, count } of pinned) add(pfn, pages, count);
          for (const { pfn, pages } of unpinned) add(pfn, pages, -1);
          expect(pins.all()).toEqual(
            counts.flatMap((count, frame) => {
              if (count === 0 || counts[frame - 1] === count) return [];
              const end = counts.findIndex((other, at) => at > frame && other !== count);
              return [{ pfn: frame, pages: end - frame, count }];
            }),
          );
        }
      }),
      { numRuns: 400 },
    );
    expect(missed).toBeGreaterThan(100);
  });
});
