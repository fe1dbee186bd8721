import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { oneRange } from "../../src/check/lists/ranges.ts";
import { UnpinnedFrames } from "../../src/check/maps/frame-drops.ts";
import { JointMap } from "../../src/check/maps/joint-map.ts";
import { MapRuns } from "../../src/check/maps/map-runs.ts";
import { PinCounts } from "../../src/check/maps/pin-counts.ts";
import { Unpins } from "../../src/check/script/unpins.ts";
import type { MapRun } from "../../src/edit-script/index.ts";
import { iovaPfn, pfn } from "../../src/units/index.ts";

const PAGES = 24;
const FRAMES = 40;

/** A map of all pages, in runs of one to three. */
const map = fc
  .array(fc.tuple(fc.constantFrom(1, 1, 1, 2, 3), fc.nat(FRAMES - 1)), { minLength: PAGES, maxLength: PAGES })
  .map((runs): MapRun[] => {
    let page = 0;
    return runs.flatMap(([length, frame]) => {
      const pages = Math.min(length, PAGES - page);
      page += pages;
      return pages === 0
        ? []
        : [{ iovaPfn: iovaPfn(page - pages), pages, pfn: pfn(frame), rights: 3 as const }];
    });
  });

describe("whether what is under way can meet a frame without a pin", () => {
  it("is the same asked of a page's place in both maps and of the frame itself", () => {
    const seen = { met: 0, missed: 0, several: 0 };
    fc.assert(
      fc.property(
        map,
        map,
        fc.array(fc.nat(FRAMES - 1), { minLength: 1, maxLength: 20 }),
        fc.array(fc.tuple(fc.nat(PAGES - 1), fc.boolean(), fc.nat(22)), { minLength: 40, maxLength: 60 }),
        (before, after, unpinned, asks) => {
          const maps = JointMap.overlay(
            MapRuns.of(before, before.length),
            MapRuns.of(after, after.length),
            oneRange(0, PAGES),
          );
          const unpins = new Unpins(unpinned.length);
          for (const [k, frame] of unpinned.entries()) unpins.push(k + 1, frame, frame + 1);
          const find = (): PinCounts => {
            const counts = PinCounts.within(unpins)!;
            counts.take(unpins);
            return counts;
          };
          const frames = new UnpinnedFrames(unpins, find);
          const expected = find();
          // Before that, any frame that is unpinned may be met without one.
          frames.stepOf(0);
          for (const [page, isNew, drained] of asks) {
            const piece = maps.find(page);
            const frame = isNew ? maps.newFrame(piece, page) : maps.oldFrame(piece, page);
            const step = expected.stepOf(frame);
            const canMiss = step !== 0 && step < drained;
            expect(frames.canMissIn(maps, piece, isNew, frame, drained)).toBe(canMiss);
            expect(frames.canMiss(frame, frame + 1, drained)).toBe(canMiss);
            seen[canMiss ? "met" : "missed"]++;
            if (maps.end(piece) - maps.start(piece) > 1) seen.several++;
          }
        },
      ),
      { numRuns: 200 },
    );
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(200);
  });
});
