import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { iovaPfn, READ, WRITE } from "../../src/units/index.ts";
import { classify, compareMaps, keptRanges, totalPages } from "../../src/vmm/map-delta.ts";
import {
  backingSizes,
  canonicalRegions,
  type MapRegion,
  type MemoryMap,
  MemoryMapError,
  makeMemoryMap,
  mappedPages,
  region,
  sameMap,
} from "../../src/vmm/memory-map.ts";
import { arbitraryMap } from "./arbitrary-map.ts";

const RW = READ | WRITE;
const PAGE = 4096;

/** The map page by page: what an index into a flat array would say. */
const pagesOf = (map: MemoryMap): Map<number, string> => {
  const pages = new Map<number, string>();
  for (const r of map.regions)
    for (let i = 0; i < r.pages; i++)
      pages.set(r.iovaPfn + i, `${r.backing}+${r.offsetPages + i} ${r.rights}`);
  return pages;
};

/** Cuts every region in two where it has two pages. */
const cutUp = (map: MemoryMap): MemoryMap =>
  makeMemoryMap(
    map.regions.flatMap((r): MapRegion[] => {
      const half = r.pages >> 1;
      if (half === 0) return [r];
      return [
        { ...r, pages: half },
        {
          ...r,
          iovaPfn: iovaPfn(r.iovaPfn + half),
          offsetPages: r.offsetPages + half,
          pages: r.pages - half,
        },
      ];
    }),
  );

describe("a memory map", () => {
  it("is sorted and refuses regions that overlap or are empty", () => {
    const low = region(0, 4 * PAGE, "a", 0, RW);
    const high = region(4 * PAGE, PAGE, "a", 0, RW);
    expect(makeMemoryMap([high, low]).regions).toEqual([low, high]);
    expect(() => makeMemoryMap([low, region(3 * PAGE, PAGE, "b", 0, READ)])).toThrow(
      "region 0x3000-0x3fff b+0x0 r overlaps region 0x0-0x3fff a+0x0 rw",
    );
    expect(() => makeMemoryMap([region(0, 0, "a", 0, RW)])).toThrow(MemoryMapError);
  });

  it("joins neighbours only of continuing backing and equal rights", () => {
    const map = makeMemoryMap([
      region(0, PAGE, "a", 0, RW),
      region(PAGE, PAGE, "a", PAGE, RW),
      region(2 * PAGE, PAGE, "a", 2 * PAGE, READ),
      region(3 * PAGE, PAGE, "b", 3 * PAGE, READ),
      region(4 * PAGE, PAGE, "b", 5 * PAGE, READ),
      region(6 * PAGE, PAGE, "b", 6 * PAGE, READ),
    ]);
    expect(canonicalRegions(map)).toEqual([region(0, 2 * PAGE, "a", 0, RW), ...map.regions.slice(2)]);
  });

  it("means the same however it is cut", () => {
    fc.assert(
      fc.property(arbitraryMap(), (map) => {
        const cut = cutUp(map);
        expect(sameMap(map, cut)).toBe(true);
        expect(canonicalRegions(cut)).toEqual(canonicalRegions(map));
        expect(mappedPages(cut)).toBe(mappedPages(map));
      }),
    );
  });

  it("tells how much of each backing a sequence uses", () => {
    const step = (...regions: MapRegion[]) => ({
      label: "",
      map: makeMemoryMap(regions),
      origin: { file: "", line: 0 },
      skipped: [],
    });
    const sizes = backingSizes({
      name: "",
      source: "",
      notes: [],
      steps: [
        step(region(0, 2 * PAGE, "a", 5 * PAGE, RW)),
        step(region(0, PAGE, "a", 0, RW), region(PAGE, PAGE, "b", 0, RW)),
      ],
    });
    expect([...sizes]).toEqual([
      ["a", 7],
      ["b", 1],
    ]);
  });
});

describe("the delta of two maps", () => {
  it("sorts every page into kept, added, removed or changed, as a page-by-page comparison does", () => {
    fc.assert(
      fc.property(arbitraryMap(), arbitraryMap(), (old, next) => {
        const delta = compareMaps(old, next);
        const before = pagesOf(old);
        const after = pagesOf(next);
        const verdicts = new Map<number, string>();
        for (const kind of ["kept", "added", "removed", "changed"] as const) {
          let end = -1;
          for (const range of delta[kind]) {
            expect(range.iovaPfn).toBeGreaterThan(end);
            end = range.iovaPfn + range.pages;
            for (let page: number = range.iovaPfn; page < end; page++) verdicts.set(page, kind);
          }
        }
        for (const page of new Set([...before.keys(), ...after.keys()])) {
          const a = before.get(page);
          const b = after.get(page);
          const expected =
            a === undefined ? "added" : b === undefined ? "removed" : a === b ? "kept" : "changed";
          expect(verdicts.get(page)).toBe(expected);
        }
        expect(verdicts.size).toBe(new Set([...before.keys(), ...after.keys()]).size);
      }),
    );
  });

  it("is empty but for what is kept when only the cuts differ", () => {
    fc.assert(
      fc.property(arbitraryMap(), (map) => {
        const delta = compareMaps(map, cutUp(map));
        expect([delta.added, delta.removed, delta.changed]).toEqual([[], [], []]);
        expect(totalPages(keptRanges(map, cutUp(map)))).toBe(mappedPages(map));
      }),
    );
  });

  it("counts bytes: 16 MiB out of 2 GiB", () => {
    const GIB2 = 2 ** 31;
    const whole = makeMemoryMap([region(0, GIB2, "ram", 0, RW)]);
    const holed = makeMemoryMap([region(0, GIB2 - (16 << 20), "ram", 0, RW)]);
    expect(classify(whole, holed)).toEqual({
      keptBytes: BigInt(GIB2 - (16 << 20)),
      addedBytes: 0n,
      removedBytes: 16n << 20n,
      changedBytes: 0n,
    });
  });
});
