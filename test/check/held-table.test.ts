import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NEVER } from "../../src/check/script/positions.ts";
import { Coverage, type SharedReach } from "../../src/check/walks/coverage.ts";
import { Generations } from "../../src/check/walks/generations.ts";
import {
  earliestOf,
  firstLoading,
  type HeldTable,
  heldBehind,
  holdAlso,
  lastLoading,
} from "../../src/check/walks/held-table.ts";

/** Ascending steps at which walks are stopped, and how long after each they are. */
const stops = fc.uniqueArray(fc.integer({ min: 1, max: 20 }), { maxLength: 6 });
/** Times at which one entry leads to the table, one after the other: how long it does, and how long it does not. */
const times = fc.array(fc.tuple(fc.integer({ min: 1, max: 6 }), fc.nat(6)), { minLength: 1, maxLength: 3 });
/** The entries on the way down. */
const way = fc.array(fc.record({ start: fc.nat(20), list: times, isLasting: fc.boolean() }), {
  minLength: 1,
  maxLength: 3,
});

function coverageOf(at: readonly number[], delay: number): Coverage {
  const begins = [0, ...at.toSorted((a, b) => a - b), NEVER];
  const deaths = begins.slice(1).map((begin) => (begin === NEVER ? NEVER : begin + delay));
  const cut = new Generations(Int32Array.from(begins), Int32Array.from(deaths));
  return new Coverage(0, 1, {} as SharedReach, [], cut, {} as never);
}

/** Readable at [step, until): the last one perhaps for ever. */
function versionsOf(
  start: number,
  list: readonly (readonly [number, number])[],
  isLasting: boolean,
): [number, number][] {
  let at = start;
  return list.map(([length, gap], i) => {
    const step = at;
    const until = isLasting && i === list.length - 1 ? NEVER : step + length;
    at = step + length + gap;
    return [step, until];
  });
}

describe("when walks may hold a table", () => {
  it("is what following each generation step by step says, whichever way it is kept", () => {
    const seen = { cut: 0, several: 0, unreachable: 0 };
    fc.assert(
      fc.property(stops, fc.nat(3), way, (at, delay, entries) => {
        const coverage = coverageOf(at, delay);
        const { begins, deaths, generations } = coverage;
        let state = { begun: 0, from: 0, bound: NEVER, later: null } as unknown as HeldTable;
        // A walk holds the root from its first load on, and a child when it loads an entry, as early as it can.
        let naive = Array.from({ length: generations }, (_, g) => begins[g]!);
        for (const { start, list, isLasting } of entries) {
          const versions = versionsOf(start, list, isLasting);
          const loads = (g: number, step: number, until: number): number => {
            for (let p = step; p < Math.min(until, 60); p++) if (naive[g]! <= p && p < deaths[g]!) return p;
            return NEVER;
          };
          let child: HeldTable | null = null;
          for (const [step, until] of versions) {
            const can = naive.map((_, g) => loads(g, step, until) < NEVER);
            expect(firstLoading(state, coverage, step, until)).toBe(can.indexOf(true));
            if (!can.includes(true)) continue;
            expect(lastLoading(state, coverage, step, until)).toBe(can.lastIndexOf(true));
            if (child === null) child = { ...state, ...heldBehind(state, step, until)! };
            else holdAlso(child, state, step, until);
          }
          if (child === null) {
            seen.unreachable++;
            return;
          }
          naive = naive.map((_, g) => Math.min(...versions.map(([step, until]) => loads(g, step, until))));
          seen.several += Number(child.later !== null);
          state = child;
          expect(naive.map((_, g) => earliestOf(state, coverage, g))).toEqual(naive);
        }
        if (generations > 1) seen.cut++;
      }),
      { numRuns: 5000 },
    );
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(200);
  });
});
