import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { firstAtOrAfter, NEVER, PositionFinder, placeNear } from "../../src/check/script/positions.ts";

/** Ascending positions: evenly far apart, or in crowds with long gaps between them. */
const positions = fc
  .tuple(
    fc.array(fc.tuple(fc.nat(4), fc.integer({ min: 1, max: 400 })), { maxLength: 400, size: "max" }),
    fc.boolean(),
  )
  .map(([gaps, isEven]) => {
    let at = 0;
    return Int32Array.from(gaps, ([kind, gap]) => (at += isEven ? 3 : kind === 0 ? gap * gap : 1));
  });

describe("the first position at or behind another one", () => {
  it("is that of looking at all of them, wherever the last answer stood", () => {
    let long = 0;
    fc.assert(
      fc.property(positions, fc.array(fc.nat(), { minLength: 1, maxLength: 30 }), (list, asks) => {
        const last = list[list.length - 1] ?? 0;
        const finder = new PositionFinder(list);
        const rows = Int32Array.from([...list].flatMap((at) => [at, -at]));
        let place = 0;
        if (list.length > 200) long++;
        for (const ask of asks) {
          const position = ask % (last + 3);
          const expected = list.findIndex((at) => at >= position);
          const before = place;
          place = placeNear(list, position, before);
          expect(place).toBe(expected < 0 ? list.length : expected);
          expect(placeNear(rows, position, before, 1)).toBe(place);
          expect(finder.firstAtOrAfter(position)).toBe(expected < 0 ? NEVER : list[expected]);
          expect(firstAtOrAfter(list, position)).toBe(expected < 0 ? NEVER : list[expected]);
        }
      }),
      { numRuns: 300 },
    );
    expect(long).toBeGreaterThan(30);
  });
});
