import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  allowedOutcomes,
  canonicalRegions,
  changesNothing,
  compareMaps,
  FrameRuns,
  isAllowed,
  ModelError,
  ModelMap,
  type ModelRegion,
  type PageRange,
  sameRegions,
} from "../../src/model/index.ts";
import { READ, WRITE } from "../../src/units/index.ts";

const PAGES = 24;
type Cell = { vaddrPfn: number; rights: number } | null;

/** A map as one cell a page: what every function here is compared with. */
const cells = fc.array(
  fc.option(fc.record({ vaddrPfn: fc.integer({ min: 100, max: 104 }), rights: fc.constantFrom(1, 2, 3) }), {
    nil: null,
    freq: 2,
  }),
  { minLength: PAGES, maxLength: PAGES },
);

/** Cells as regions cut at random places, in random order; vaddr of page p is `cell.vaddrPfn * 1000 + p`, so runs continue. */
const regionsOf = (map: readonly Cell[], cut: (page: number) => boolean): ModelRegion[] => {
  const regions: ModelRegion[] = [];
  map.forEach((cell, page) => {
    if (cell === null) return;
    const vaddrPfn = cell.vaddrPfn * 1000 + page;
    const last = regions.at(-1);
    const continues =
      last !== undefined &&
      last.iovaPfn + last.pages === page &&
      last.vaddrPfn + last.pages === vaddrPfn &&
      last.rights === cell.rights;
    if (continues && !cut(page)) regions[regions.length - 1] = { ...last, pages: last.pages + 1 };
    else regions.push({ iovaPfn: page, pages: 1, vaddrPfn, rights: cell.rights });
  });
  return regions;
};
const whole = (map: readonly Cell[]): ModelRegion[] => regionsOf(map, () => false);
const pagesOf = (ranges: readonly PageRange[]): number[] =>
  ranges.flatMap((r) => Array.from({ length: r.pages }, (_, i) => r.iovaPfn + i));
const frames = new FrameRuns(
  [104, 103, 102, 101, 100].map((v) => ({ vaddrPfn: v * 1000, pages: 100, pfn: 0x100_0000 + v * 128 })),
);

describe("canonical form", () => {
  it("does not depend on how the user cut and ordered the list", () => {
    fc.assert(
      fc.property(cells, fc.array(fc.boolean(), { minLength: PAGES, maxLength: PAGES }), (map, cuts) => {
        const cut = regionsOf(map, (page) => cuts[page]!);
        const canonical = canonicalRegions([...cut].reverse());
        expect(canonical).toEqual(whole(map));
        expect(sameRegions(canonical, whole(map))).toBe(true);
      }),
    );
  });

  it("refuses lists that are no map", () => {
    const region = { iovaPfn: 4, pages: 4, vaddrPfn: 100, rights: 3 };
    expect(() => canonicalRegions([region, { ...region, iovaPfn: 7 }])).toThrow(ModelError);
    expect(() => canonicalRegions([region, { ...region, iovaPfn: 7 }])).toThrow(/\[4000, 8000\).*overlap/);
    expect(() => canonicalRegions([{ ...region, pages: 0 }])).toThrow(/empty/);
  });

  it("tells maps apart by every field of a region", () => {
    const region = { iovaPfn: 4, pages: 4, vaddrPfn: 100, rights: 3 };
    for (const other of [
      { ...region, iovaPfn: 5 },
      { ...region, pages: 5 },
      { ...region, vaddrPfn: 101 },
      { ...region, rights: 1 },
    ])
      expect(sameRegions([region], [other])).toBe(false);
    expect(sameRegions([region], [])).toBe(false);
  });
});

describe("delta of two maps", () => {
  it("puts each page into the class that comparing page by page gives", () => {
    fc.assert(
      fc.property(cells, cells, (before, after) => {
        const expected = { kept: [], added: [], removed: [], changed: [] } as Record<string, number[]>;
        for (let page = 0; page < PAGES; page++) {
          const a = before[page]!;
          const b = after[page]!;
          if (a !== null && b !== null)
            expected[a.vaddrPfn === b.vaddrPfn && a.rights === b.rights ? "kept" : "changed"]!.push(page);
          else if (a !== null) expected["removed"]!.push(page);
          else if (b !== null) expected["added"]!.push(page);
        }
        const delta = compareMaps(whole(before), whole(after));
        expect(pagesOf(delta.kept)).toEqual(expected["kept"]);
        expect(pagesOf(delta.added)).toEqual(expected["added"]);
        expect(pagesOf(delta.removed)).toEqual(expected["removed"]);
        expect(pagesOf(delta.changed)).toEqual(expected["changed"]);
        expect(changesNothing(delta)).toBe(sameRegions(whole(before), whole(after)));
      }),
    );
  });

  it("joins neighbouring ranges of one class", () => {
    const rw = { iovaPfn: 0, pages: 8, vaddrPfn: 100, rights: 3 };
    const delta = compareMaps(
      [rw],
      [
        { ...rw, pages: 2, rights: READ },
        { iovaPfn: 2, pages: 2, vaddrPfn: 500, rights: 3 },
        { iovaPfn: 4, pages: 8, vaddrPfn: 104, rights: 3 },
      ],
    );
    expect(delta).toEqual({
      kept: [{ iovaPfn: 4, pages: 4 }],
      added: [{ iovaPfn: 8, pages: 4 }],
      removed: [],
      changed: [{ iovaPfn: 0, pages: 4 }],
    });
  });
});

describe("what a device may see", () => {
  it("is what each map in force says for this page and this kind of access", () => {
    fc.assert(
      fc.property(fc.array(cells, { minLength: 1, maxLength: 3 }), (maps) => {
        const models = maps.map((map) => new ModelMap(whole(map), frames));
        for (let page = 0; page < PAGES + 2; page++)
          for (const access of [READ, WRITE]) {
            const results = maps.map((map) => {
              const cell = map[page] ?? null;
              return cell !== null && (cell.rights & access) !== 0
                ? 0x100_0000 + cell.vaddrPfn * 128 + page
                : null;
            });
            const allowed = allowedOutcomes(models, page, access);
            expect(allowed.fault).toBe(results.includes(null));
            expect([...allowed.frames].sort()).toEqual(
              [...new Set(results.filter((r) => r !== null))].sort(),
            );
            for (const observed of [null, ...allowed.frames])
              expect(isAllowed(models, page, access, observed)).toBe(results.includes(observed));
            expect(isAllowed(models, page, access, 7 as never)).toBe(false);
          }
      }),
    );
  });

  it("is a fault where nothing backs the region", () => {
    const map = new ModelMap([{ iovaPfn: 0, pages: 1, vaddrPfn: 1, rights: 3 }], frames);
    expect(map.lookup(0)).toBeNull();
    expect(allowedOutcomes([map], 0, READ)).toEqual({ fault: true, frames: new Set() });
  });
});
