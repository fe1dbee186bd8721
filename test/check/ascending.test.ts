import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ascending } from "../../src/check/lists/ascending.ts";

const keysUpTo = (most: number) =>
  fc.array(fc.integer({ min: 0, max: most }), { minLength: 0, maxLength: 1200, size: "max" });

describe("the ascending order of keys", () => {
  it.each([3, 5000, 2 ** 32 - 1, 2 ** 32, 2 ** 45, Number.MAX_SAFE_INTEGER])(
    "is that of comparing them, equal keys in the order they have: keys up to %d",
    (most) => {
      let sortedByDigits = 0;
      fc.assert(
        fc.property(keysUpTo(most), (keys) => {
          if (keys.length >= 256) sortedByDigits++;
          const expected = keys.map((_, i) => i).sort((a, b) => keys[a]! - keys[b]! || a - b);
          expect([...ascending(keys)]).toEqual(expected);
        }),
        { numRuns: 40 },
      );
      expect(sortedByDigits).toBeGreaterThan(10);
    },
  );
});
