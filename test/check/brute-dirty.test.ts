import { describe, expect, it } from "vitest";
import {
  type CheckInput,
  callInputs,
  check,
  Decision,
  inputOf,
  type ReaderInput,
} from "../../src/check/index.ts";
import { CACHE_ATC } from "../../src/edit-script/index.ts";
import type { Pfn } from "../../src/units/index.ts";
import { callsThatLose, losesWrites } from "./brute-dirty.ts";
import { frameOfPage, ROOT, randomDirtyCalls, randomDirtyCase, TABLES } from "./random-dirty-script.ts";

const CASES = 1200;
const ALONE = 600;
const CALLS = 400;

/** Each way to decide, by turns. */
const howToDecide = (seed: number) =>
  ({
    mode: seed % 2 === 0 ? "strong" : "weak",
    collapse: seed % 3 !== 0,
    skipUntouched: seed % 5 < 3,
    journalRules: false,
    only: null,
  }) as const;

const lostIn = (
  input: CheckInput | ReaderInput,
  how: Parameters<Decision["violations"]>[0],
): ((page: number) => boolean) => {
  const found = [...new Decision(input).violations(how)].filter((v) => v.class === "V10");
  return (page) => found.some((v) => v.start <= page && page < v.end);
};

const pagesOf = ({ start, end }: { readonly start: number; readonly end: number }): number[] =>
  Array.from({ length: end - start }, (_, i) => start + i);

/** True iff no table stands in two places. */
function isTree({ tables, capability }: CheckInput | ReaderInput): boolean {
  const links = Array.from({ length: 2 ** capability.indexLg2! }, (_, i) => tables.entry(ROOT as Pfn, i))
    .filter((entry) => (entry & 3n) !== 0n && (entry & 0x80n) === 0n)
    .map((entry) => entry >> 12n);
  return new Set(links).size === links.length;
}

describe("lost dirty bits against an enumerator of all schedules", () => {
  it(`agrees on every page of ${CASES} random scripts`, () => {
    let lost = 0;
    let kept = 0;
    for (let seed = 1; seed <= CASES; seed++) {
      const { input, steps, returns, before, pages } = randomDirtyCase(seed);
      const how = howToDecide(seed);
      const { mode } = how;
      const isLost = lostIn(input, how);
      for (let page = 0; page < pages; page++) {
        const machine = {
          indexLg2: input.capability.indexLg2!,
          root: ROOT,
          tables: TABLES,
          steps,
          returns,
          mode,
          hasAtc: (input.deviceCaches! & CACHE_ATC) !== 0,
          frame: frameOfPage(page),
          before: (table: number, index: number) => before.get(`${table} ${index}`) ?? 0n,
        } as const;
        const expected = losesWrites(machine, page);
        expect(isLost(page), `seed ${seed}, page ${page}, ${mode}`).toBe(expected);
        if (expected) lost++;
        else kept++;
      }
    }
    expect(lost).toBeGreaterThan(CASES / 2);
    expect(kept).toBeGreaterThan(CASES / 2);
  });

  it(`agrees on every call of ${CALLS} random recordings of several calls`, () => {
    let lost = 0;
    let onlyKnownBefore = 0;
    for (let seed = 1; seed <= CALLS; seed++) {
      const { recording, input, isJudged, ...rest } = randomDirtyCalls(seed);
      const how = howToDecide(seed);
      const { mode } = how;
      const found = [...callInputs(recording, mode)].map(({ input: own, file }) => ({
        isTree: isTree(own),
        lost: lostIn(own, how),
        lostAlone: lostIn(inputOf(file), how),
      }));
      for (let page = 0; page < rest.pages; page++) {
        const machine = {
          indexLg2: input.capability.indexLg2!,
          root: ROOT,
          tables: TABLES,
          steps: rest.steps,
          returns: rest.returns,
          ends: rest.ends,
          mode,
          hasAtc: (input.deviceCaches! & CACHE_ATC) !== 0,
          frame: frameOfPage(page),
          before: (table: number, index: number) => rest.before.get(`${table} ${index}`) ?? 0n,
        } as const;
        for (const [call, expected] of callsThatLose(machine, page).entries()) {
          // A table that two entries point to before a call is looked at in one place.
          if (!found[call]!.isTree) break;
          if (!isJudged(call, page)) continue;
          const isFound = found[call]!.lost(page);
          expect(isFound, `seed ${seed}, call ${call + 1}, page ${page}, ${mode}`).toBe(expected);
          if (expected) lost++;
          if (expected && !found[call]!.lostAlone(page)) onlyKnownBefore++;
        }
      }
    }
    expect(lost).toBeGreaterThan(CALLS);
    expect(onlyKnownBefore).toBeGreaterThan(CALLS / 40);
  });

  it("finds the same with bits accepted at sight where they plainly stay, and without", () => {
    for (let seed = 80_001; seed <= 80_000 + ALONE; seed++) {
      const { input } = randomDirtyCase(seed);
      const how = { mode: "weak", skipUntouched: true, journalRules: true, only: null } as const;
      const lostWith = (acceptPlain: boolean) =>
        [...new Decision(input).violations({ ...how, collapse: seed % 2 === 0, acceptPlain })]
          .filter((v) => v.class === "V10")
          .map(({ start, end, met, from, table, index }) => ({ start, end, met, from, table, index }));
      expect(lostWith(true), `seed ${seed}`).toEqual(lostWith(false));
    }
  });

  it("reports the same when pages on which something graver is found are not searched", () => {
    let spared = 0;
    for (let seed = 110_001; seed <= 110_000 + ALONE; seed++) {
      const { input } = randomDirtyCase(seed);
      const mode = seed % 2 === 0 ? "strong" : "weak";
      const reported = (skipHidden: boolean) => {
        const { findings } = check(input, { mode, skipHidden });
        const pages = findings.filter((f) => f.shows === "V10").flatMap((f) => f.ranges.flatMap(pagesOf));
        return { lost: pages.sort((a, b) => a - b), others: findings.filter((f) => f.shows !== "V10") };
      };
      expect(reported(true), `seed ${seed}`).toEqual(reported(false));
      const how = { mode, collapse: true, skipUntouched: true, journalRules: true, only: null } as const;
      const pagesLost = (skipHidden: boolean): number =>
        [...new Decision(input).violations({ ...how, skipHidden })].reduce(
          (sum, v) => sum + (v.class === "V10" ? v.end - v.start : 0),
          0,
        );
      if (pagesLost(true) < pagesLost(false)) spared++;
    }
    expect(spared).toBeGreaterThan(ALONE / 20);
  });

  it("says of a page alone what it says of all pages together, with page classes and without", () => {
    for (let seed = 50_001; seed <= 50_000 + ALONE; seed++) {
      const { input, pages } = randomDirtyCase(seed);
      const how = { mode: "weak", skipUntouched: true, journalRules: true } as const;
      const lostOn = (only: { domain: number; start: number; end: number } | null, collapse: boolean) =>
        [...new Decision(input).violations({ ...how, collapse, only })].filter((v) => v.class === "V10");
      const together = lostOn(null, true);
      for (let page = 0; page < pages; page++) {
        const alone = lostOn({ domain: 1, start: page, end: page + 1 }, false).length > 0;
        const isFound = together.some((v) => v.start <= page && page < v.end);
        expect(isFound, `seed ${seed}, page ${page}`).toBe(alone);
      }
    }
  });
});
