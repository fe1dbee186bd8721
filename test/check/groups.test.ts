import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Group,
  grouped,
  mergedByCause,
  onFirstPage,
  parted,
  taken,
} from "../../src/check/rules/groups.ts";
import { type RawViolation, Violations } from "../../src/check/rules/violations.ts";

const violation = (kind: "V04" | "V06", start: number, step: number): RawViolation => ({
  class: kind,
  domain: 1,
  start,
  end: start + 1,
  access: 1,
  from: step,
  met: `frame ${start}`,
  stretch: 0,
  table: 7,
  index: start % 512,
  level: 0,
  step,
  until: step + 1,
});

/** Violations of two classes, each on pages of its own, by stores of which many or few pages share one. */
const drawn = fc
  .record({
    pages: fc.uniqueArray(fc.nat(5000), { minLength: 1, maxLength: 400, size: "max" }),
    perStore: fc.constantFrom(1, 3, 50, 1000),
    isSorted: fc.boolean(),
  })
  .map(({ pages, perStore, isSorted }) => {
    const list = new Violations();
    const order = isSorted ? pages.toSorted((a, b) => a - b) : pages;
    for (const [i, page] of order.entries())
      list.push(violation(page % 2 === 0 ? "V04" : "V06", page, 1 + Math.floor(i / perStore)));
    return { list, pages };
  });

const pagesOf = (groups: readonly (Group | null)[]): string[] =>
  groups
    .flatMap((group) =>
      (group?.ranges ?? []).flatMap(({ start, end }) =>
        Array.from({ length: end - start }, (_, i) => `${group!.class} ${start + i}`),
      ),
    )
    .sort();
const all = (pages: readonly number[]): string[] =>
  pages.map((page) => `${page % 2 === 0 ? "V04" : "V06"} ${page}`).sort();

describe("groups and crowds of violations", () => {
  it("hold every page once", () => {
    const seen = { crowds: 0, groups: 0 };
    fc.assert(
      fc.property(drawn, ({ list, pages }) => {
        const groups = grouped(list);
        expect(pagesOf(groups)).toEqual(all(pages));
        for (const { crowd, ranges, example } of groups) {
          expect(example.start).toBe(ranges[0]!.start);
          if (crowd === null) seen.groups++;
          else seen.crowds++;
        }
      }),
    );
    expect(seen.crowds).toBeGreaterThan(10);
    expect(seen.groups).toBeGreaterThan(10);
  });

  it("lose no page when some of them are taken to be looked into, and give no more than were asked for", () => {
    fc.assert(
      fc.property(drawn, fc.integer({ min: 1, max: 30 }), ({ list, pages }, most) => {
        const groups = grouped(list);
        const { first, others } = taken(groups, most);
        expect(pagesOf([...first, ...others])).toEqual(all(pages));
        expect(first.length).toBeGreaterThan(0);
        expect(first.length).toBeLessThanOrEqual(most);
        for (const { crowd, example } of first) {
          expect(crowd).toBeNull();
          expect(example.met).toBe(`frame ${example.start}`);
        }
        // Nothing is left that could have been taken, but for what stays in crowds.
        if (first.length < most) for (const { crowd } of others) expect(crowd).not.toBeNull();
      }),
    );
  });

  it("are parted by what holds of their rows", () => {
    fc.assert(
      fc.property(drawn, fc.integer({ min: 2, max: 5 }), ({ list }, divisor) => {
        for (const group of grouped(list)) {
          if (group.crowd === null) continue;
          const { crowd } = group;
          const [some, others] = parted(crowd, (row) => crowd.violations.start(row) % divisor === 0);
          expect(pagesOf([some, others])).toEqual(pagesOf([group]));
          for (const page of pagesOf([some])) expect(Number(page.split(" ")[1]) % divisor).toBe(0);
          for (const page of pagesOf([others])) expect(Number(page.split(" ")[1]) % divisor).not.toBe(0);
        }
      }),
    );
  });
});

describe("a missing barrier that shows in several ways", () => {
  const shown = (shows: "V04b" | "V06" | "V04", start: number, end: number, step: number): RawViolation => ({
    ...violation("V04", start, step),
    class: "V15",
    shows,
    end,
    met: shows,
  });
  const merged = (...violations: RawViolation[]): Group => {
    const list = new Violations();
    for (const each of violations) list.push(each);
    const [group, ...others] = mergedByCause(grouped(list));
    expect(others).toEqual([]);
    return group!;
  };

  it("is shown by what would hide the rest, whatever was found first", () => {
    const ways = [shown("V04b", 8, 12, 1), shown("V06", 8, 12, 2), shown("V04", 8, 12, 3)];
    for (const order of [ways, ways.toReversed(), [ways[1]!, ways[0]!, ways[2]!]])
      expect(merged(...order).shows).toBe("V06");
  });

  it("is shown by the lowest page first", () => {
    expect(merged(shown("V06", 8, 12, 2), shown("V04b", 7, 12, 1)).shows).toBe("V04b");
  });

  it("is shown on the first page that is left when another finding has taken some", () => {
    const group = merged(shown("V06", 8, 9, 2), shown("V04b", 8, 12, 1), shown("V04", 9, 12, 3));
    const { shows, example } = onFirstPage({ ...group, ranges: [{ start: 10, end: 12 }] });
    expect([shows, example.start, example.step]).toEqual(["V04", 10, 3]);
  });
});
