import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { naturalOrder } from "../../src/vmm/natural-order.ts";

const name = fc.string({ unit: fc.constantFrom("0", "1", "2", "9", "a", "b", "-", "."), maxLength: 8 });

describe("the natural order of names", () => {
  it.each([
    [["s10.txt", "s2.txt", "s1.txt", "s3.txt"], "s1.txt s2.txt s3.txt s10.txt"],
    [["011.txt", "100.txt", "9.txt", "010.txt"], "9.txt 010.txt 011.txt 100.txt"],
    [["b1", "a2", "a10", "a"], "a a2 a10 b1"],
    [["s2", "s02", "s002", "s1"], "s1 s002 s02 s2"],
    [["v1.10-b", "v1.9-c", "v1.9-a"], "v1.9-a v1.9-c v1.10-b"],
    [["x99999999999999999999", "x100000000000000000000"], "x99999999999999999999 x100000000000000000000"],
  ])("counts numbers as numbers: %j", (names, sorted) => {
    expect([...names].sort(naturalOrder).join(" ")).toBe(sorted);
  });

  it("is one order of all names: no two are alike, and what is between stays between", () => {
    fc.assert(
      fc.property(name, name, name, (a, b, c) => {
        expect(Math.sign(naturalOrder(a, b))).toBe(-Math.sign(naturalOrder(b, a)) + 0);
        expect(naturalOrder(a, b) === 0).toBe(a === b);
        if (naturalOrder(a, b) < 0 && naturalOrder(b, c) < 0) expect(naturalOrder(a, c)).toBeLessThan(0);
      }),
    );
  });
});
