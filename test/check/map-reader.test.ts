import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type CheckInput,
  check,
  type Finding,
  FrameSet,
  firstEndingAfter,
  ListedMaps,
  type MapReader,
  type MapRuns,
  type MapSide,
  oneRange,
  RangeList,
  type Ranges,
  type ReaderInput,
  WeightedRuns,
} from "../../src/check/index.ts";
import { EditScript, type MapRun, type PinRun, type Step } from "../../src/edit-script/index.ts";
import { iovaPfn, pfn } from "../../src/units/index.ts";
import { randomCase } from "./random-script.ts";
import { seededRandom } from "./seeded-random.ts";

const asPins = (runs: readonly MapRun[]): PinRun[] =>
  runs.map(({ pfn, pages }) => ({ pfn, pages, count: 1 }));

/** Says of every page that it may lead anywhere. */
class EverywhereMaps extends ListedMaps {
  override pagesOn(): Ranges {
    return oneRange(0, this.end);
  }
}

/** Says of every page that it may differ as well: nothing is left out. */
class WholeMaps extends EverywhereMaps {
  override changes(): Ranges {
    return oneRange(0, this.end);
  }
}

/** Counts the runs that are asked for. */
class CountedMaps implements MapReader {
  readonly #inner: MapReader;
  runsRead = 0;
  constructor(inner: MapReader) {
    this.#inner = inner;
  }
  get end(): number {
    return this.#inner.end;
  }
  changes(): Ranges {
    return this.#inner.changes();
  }
  pagesOn(frames: FrameSet): Ranges {
    return this.#inner.pagesOn(frames);
  }
  runs(side: MapSide, ranges: Ranges): MapRuns {
    const runs = this.#inner.runs(side, ranges);
    this.runsRead += runs.length;
    return runs;
  }
}

const read = (input: CheckInput, maps: MapReader, pinsTaken: readonly PinRun[] | null): ReaderInput => {
  const { oldMap: _old, newMap: _new, pins: _pins, ...rest } = input;
  return { ...rest, maps, pinsTaken: pinsTaken && WeightedRuns.ofPins(pinsTaken) };
};

/** Two maps of short runs with edges in other places, some of which continue each other. */
function splitMaps(seed: number): { readonly oldMap: MapRun[]; readonly newMap: MapRun[] } {
  const random = seededRandom(seed);
  const map = (): MapRun[] => {
    const runs: MapRun[] = [];
    for (let page = random(4); page < 40; ) {
      const pages = 1 + random(5);
      const start = random(3) === 0 ? 500 : 100;
      runs.push({
        iovaPfn: iovaPfn(page),
        pages,
        pfn: pfn(start + page),
        rights: random(4) === 0 ? 1 : 3,
      });
      page += pages + (random(3) === 0 ? 1 + random(3) : 0);
    }
    return runs;
  };
  const oldMap = map();
  // Runs that both maps hold as one object.
  const newMap =
    random(2) === 0 ? map() : oldMap.map((run) => (random(4) === 0 ? { ...run, rights: 1 } : run));
  return { oldMap, newMap };
}

/** Where each class was found, whatever the causes it was put down to. */
function pagesByClass(findings: readonly Finding[]): Record<string, Ranges> {
  const pages: Record<string, RangeList> = {};
  for (const f of findings) {
    const list = (pages[f.class] ??= new RangeList());
    for (const { start, end } of f.ranges) list.push(start, end);
  }
  return Object.fromEntries(Object.entries(pages).map(([kind, list]) => [kind, { ...list.union() }]));
}

/** Random scripts whose frames are shared by several pages, with pins for the new map, or too many, or too few. */
const drawn = fc.record({
  seed: fc.nat(1_000_000),
  pins: fc.constantFrom("inferred", "right", "wrong"),
  mode: fc.constantFrom("strong" as const, "weak" as const),
});

describe("reading only what a script touches of the maps", () => {
  it("gives the findings that reading everything gives, frames with aliases and wrong pins included", () => {
    const classes = new Map<string, number>();
    fc.assert(
      fc.property(drawn, ({ seed, pins, mode }) => {
        const { input } = randomCase(seed);
        const random = seededRandom(seed + 1);
        const taken =
          pins === "inferred"
            ? null
            : asPins(input.newMap.filter(() => pins === "right" || random(3) > 0)).flatMap((pin) =>
                pins === "wrong" && random(4) === 0 ? [pin, pin] : [pin],
              );
        const { oldMap, newMap } = input;
        const listed = check(
          { ...input, pins: taken === null ? null : [...asPins(oldMap), ...taken] },
          { mode, causes: seed % 8 === 0 },
        );
        for (const f of listed.findings) classes.set(f.class, (classes.get(f.class) ?? 0) + 1);
        const of = (Maps: typeof ListedMaps) =>
          check(read(input, new Maps(oldMap, newMap), taken), { mode, causes: seed % 8 === 0 });
        expect(of(ListedMaps)).toEqual(listed);
        expect(of(EverywhereMaps)).toEqual(listed);
        // A reader that does not keep what it has seen of the changes at hand.
        const counted = new CountedMaps(new ListedMaps(oldMap, newMap));
        expect(check(read(input, counted, taken), { mode, causes: seed % 8 === 0 })).toEqual(listed);
        // A page that nothing touches is shown by a walk where it is looked at, and as a kept frame where it is not.
        const whole = of(WholeMaps);
        expect(pagesByClass(whole.findings)).toEqual(pagesByClass(listed.findings));
        expect(whole.mismatch).toEqual(listed.mismatch);
      }),
      { numRuns: 400 },
    );
    for (const kind of ["V02", "V04", "V06", "V12"]) expect(classes.get(kind), kind).toBeGreaterThan(20);
  });

  it("tells both maps on the pages that change, and of no other page", () => {
    let changed = 0;
    fc.assert(
      fc.property(fc.nat(1_000_000), fc.boolean(), (seed, areSplit) => {
        const { oldMap, newMap } = areSplit ? splitMaps(seed) : randomCase(seed).input;
        const maps = new ListedMaps(oldMap, newMap);
        const joint = maps.changed();
        const answer = (runs: readonly MapRun[], page: number): string => {
          const run = runs.find((r) => r.iovaPfn <= page && page < r.iovaPfn + r.pages);
          return run === undefined ? "-1 0" : `${run.pfn + page - run.iovaPfn} ${run.rights}`;
        };
        for (let page = 0; page < maps.end + 3; page++) {
          const [before, after] = [answer(oldMap, page), answer(newMap, page)];
          const at = firstEndingAfter(maps.changes(), page);
          const isInside = at < maps.changes().starts.length && maps.changes().starts[at]! <= page;
          expect(isInside, `page ${page}`).toBe(before !== after);
          if (!isInside) {
            expect(() => joint.find(page)).toThrow("was not read");
            continue;
          }
          changed++;
          const piece = joint.find(page);
          expect(`${joint.oldFrame(piece, page)} ${joint.oldRights[piece]}`).toBe(before);
          expect(`${joint.newFrame(piece, page)} ${joint.newRights[piece]}`).toBe(after);
        }
      }),
      { numRuns: 300 },
    );
    expect(changed).toBeGreaterThan(1000);
  });

  describe("of 40,000 scattered pages, one of which changes", () => {
    const PAGES = 40_000;
    const ROOT = 0x10_0000;
    const WORDS = 512;
    const CHANGED = 12_345;
    const frameOf = (page: number): number => 0x100_0000 + ((page * 7919) % PAGES) * 2;
    const NEW_FRAME = 0x50;
    const tables = {
      isTable: (table: number) => table >= ROOT && table < ROOT + 2 + Math.ceil(PAGES / WORDS),
      entry(table: number, index: number): bigint {
        if (table === ROOT) return index === 0 ? (BigInt(ROOT + 1) << 12n) | 3n : 0n;
        if (table === ROOT + 1) return index * WORDS < PAGES ? (BigInt(ROOT + 2 + index) << 12n) | 3n : 0n;
        const page = (table - ROOT - 2) * WORDS + index;
        return page < PAGES ? (BigInt(frameOf(page)) << 12n) | 3n : 0n;
      },
    };
    const mapWith = (frame: number): MapRun[] =>
      Array.from({ length: PAGES }, (_, page) => ({
        iovaPfn: iovaPfn(page),
        pages: 1,
        pfn: pfn(page === CHANGED ? frame : frameOf(page)),
        rights: 3 as const,
      }));
    const [oldMap, newMap] = [mapWith(frameOf(CHANGED)), mapWith(NEW_FRAME)];
    const pin = (frame: number): PinRun => ({ pfn: pfn(frame), pages: 1, count: 1 });
    const unpinOf = (frame: number): Step => ({ op: "unpin", pfn: pfn(frame), pages: 1 });
    const [STORE, BARRIER, INVALIDATE, WAIT]: [Step, Step, Step, Step] = [
      {
        op: "store",
        update: 1,
        table: pfn(ROOT + 2 + Math.floor(CHANGED / WORDS)),
        index: CHANGED % WORDS,
        entry: (BigInt(NEW_FRAME) << 12n) | 3n,
      },
      { op: "barrier" },
      { op: "invalidate", domain: 1, scope: "leaf", caches: 7, iovaPfn: iovaPfn(CHANGED), pages: 1 },
      { op: "wait", drain: true },
    ];
    const base = {
      capability: randomCase(1).input.capability,
      domains: [{ id: 1, root: pfn(ROOT), levels: 3 }],
      tables,
      oldMap,
      newMap,
    };
    const capability = { ...base.capability, levels: 3, inputBits: 39, indexLg2: 9, leafLevels: [0] };
    const decide = (
      steps: readonly Step[],
      taken: readonly PinRun[],
      maps: readonly [readonly MapRun[], readonly MapRun[]] = [oldMap, newMap],
    ): { found: string[]; runsRead: number } => {
      const counted = new CountedMaps(new ListedMaps(...maps));
      const input = { ...base, capability, script: EditScript.from(steps) };
      const { findings } = check(read(input, counted, taken));
      const [old, next] = maps;
      const listed = check({ ...input, oldMap: old, newMap: next, pins: [...asPins(old), ...taken] });
      expect(listed.findings).toEqual(findings);
      return { found: findings.map((f) => `${f.class} ${f.page}+${f.pages}`), runsRead: counted.runsRead };
    };
    const RIGHT = [STORE, BARRIER, INVALIDATE, WAIT, unpinOf(frameOf(CHANGED))];

    it("is clean, and reads a handful of runs", () => {
      const { found, runsRead } = decide(RIGHT, [pin(NEW_FRAME)]);
      expect(found).toEqual([]);
      expect(runsRead).toBeLessThan(30);
    });

    it("finds that a page far away, which no step touches, lost the pin of its frame", () => {
      const { found, runsRead } = decide([...RIGHT, unpinOf(frameOf(39_000))], [pin(NEW_FRAME)]);
      expect(found).toEqual(["V06 39000+1"]);
      expect(runsRead).toBeLessThan(100);
    });

    it("finds that a page kept under another address leads to the frame that was unpinned with the changed one", () => {
      const alias = (map: readonly MapRun[]): MapRun[] =>
        map.map((run) => (run.iovaPfn === 77 ? { ...run, pfn: pfn(frameOf(CHANGED)) } : run));
      const maps = [alias(oldMap), alias(newMap)] as const;
      expect(decide(RIGHT, [pin(NEW_FRAME)], maps).found).toEqual([]);
      const twice = [...RIGHT, unpinOf(frameOf(CHANGED))];
      expect(decide(twice, [pin(NEW_FRAME)], maps).found).toEqual(["V06 77+1", "V12 null+0"]);
    });

    it("finds pins that the change took too many, too few, and of frames it has nothing to do with", () => {
      expect(decide(RIGHT, []).found).toEqual(["V12 null+0"]);
      expect(decide(RIGHT, [pin(NEW_FRAME), pin(NEW_FRAME)]).found).toEqual(["V12 null+0"]);
      expect(decide(RIGHT, [pin(NEW_FRAME), pin(frameOf(5))]).found).toEqual(["V12 null+0"]);
    });

    it("says where the old map is not what the tables held", () => {
      const wrong = oldMap.map((run) => (run.iovaPfn === CHANGED ? { ...run, pfn: pfn(0x60) } : run));
      const maps = new ListedMaps(wrong, newMap);
      const input = read({ ...base, capability, script: EditScript.from(RIGHT) }, maps, null);
      expect(check(input).mismatch).toContain(`IOVA 0x${(CHANGED * 4096).toString(16)} `);
    });
  });
});

describe("ranges", () => {
  const lists = fc.array(fc.tuple(fc.nat(2000), fc.integer({ min: 1, max: 40 })), { maxLength: 600 });
  const listOf = (pairs: readonly (readonly [number, number])[]): RangeList => {
    const list = new RangeList();
    for (const [start, pages] of pairs) list.push(start, start + pages);
    return list;
  };

  it("are the same pages in ascending order, joined where they meet, once united", () => {
    fc.assert(
      fc.property(lists, (pairs) => {
        const pages = new Set(pairs.flatMap(([start, n]) => Array.from({ length: n }, (_, i) => start + i)));
        const { starts, ends } = listOf(pairs).union(1500);
        const united = Array.from(starts).flatMap((s, i) =>
          Array.from({ length: ends[i]! - s }, (_, k) => s + k),
        );
        expect(united).toEqual([...pages].filter((p) => p < 1500).sort((a, b) => a - b));
        for (let i = 1; i < starts.length; i++) expect(starts[i]!).toBeGreaterThan(ends[i - 1]!);
      }),
    );
  });

  it("are found by a frame as by going through them", () => {
    fc.assert(
      fc.property(lists, fc.integer({ min: -1, max: 2200 }), (pairs, frame) => {
        const ranges = listOf(pairs).union();
        const expected = Array.from(ranges.ends).findIndex((end) => end > frame);
        const at = expected < 0 ? ranges.ends.length : expected;
        expect(FrameSet.of(ranges).firstEndingAfter(frame)).toBe(at);
        expect(firstEndingAfter(ranges, frame)).toBe(at);
      }),
    );
  });
});
