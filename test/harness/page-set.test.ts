import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PageSet } from "../../src/harness/stress/page-set.ts";

const range = fc.tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 12 }));

describe("page set", () => {
  it("behaves like a set of single pages", () => {
    fc.assert(
      fc.property(fc.array(range, { maxLength: 12 }), range, (added, [askedStart, askedPages]) => {
        const set = new PageSet();
        const naive = new Set<number>();
        for (const [start, pages] of added) {
          set.add(start, start + pages);
          for (let page = start; page < start + pages; page++) naive.add(page);
        }
        expect(set.size).toBe(naive.size);
        expect(set.first).toBe(naive.size === 0 ? null : Math.min(...naive));
        const missing = set
          .missing(askedStart, askedStart + askedPages)
          .flatMap(([a, b]) => Array.from({ length: b - a }, (_, i) => a + i));
        const expected = Array.from({ length: askedPages }, (_, i) => askedStart + i);
        expect(missing).toEqual(expected.filter((page) => !naive.has(page)));
        set.clear();
        expect(set.size).toBe(0);
      }),
    );
  });
});
