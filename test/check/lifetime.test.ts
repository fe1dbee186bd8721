import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { oneRange } from "../../src/check/lists/ranges.ts";
import { NEVER } from "../../src/check/script/positions.ts";
import { ScriptLog } from "../../src/check/script/script-log.ts";
import type { Coverage } from "../../src/check/walks/coverage.ts";
import { Coverages } from "../../src/check/walks/coverages.ts";
import { addSpan, aliveUntil } from "../../src/check/walks/facts.ts";
import { type HeldTable, type HeldTime, holdAlso, isEver } from "../../src/check/walks/held-table.ts";
import { Lifetime } from "../../src/check/walks/lifetime.ts";
import { Reach } from "../../src/check/walks/reach.ts";
import { EditScript, type Step } from "../../src/edit-script/index.ts";
import { iovaPfn, type Pfn } from "../../src/units/index.ts";
import { stretchesOf } from "./stretches.ts";

const PAGES = 4;

/** Steps that invalidate, or wait, and some that only take their place. */
const step = fc.oneof(
  fc.record({
    op: fc.constant("invalidate" as const),
    domain: fc.constantFrom(1, 1, 1, 2),
    scope: fc.constantFrom("leaf" as const, "nonLeaf" as const, "nonLeaf" as const),
    caches: fc.constantFrom(7, 7, 3, 1, 4, 6),
    iovaPfn: fc.nat(PAGES - 1).map(iovaPfn),
    pages: fc.integer({ min: 1, max: PAGES }),
  }),
  fc.record({ op: fc.constant("wait" as const), drain: fc.boolean() }),
  fc.constant({ op: "barrier" as const }),
);

/** How walks may hold a table: with context entries of which generations, and at which times. */
interface Held {
  readonly begun: number;
  readonly times: readonly HeldTime[];
}

const bounded = fc.record({ from: fc.nat(12), bound: fc.integer({ min: 1, max: 20 }) });
const lasting = fc.record({ from: fc.nat(12), bound: fc.constant(NEVER) });
const held: fc.Arbitrary<Held> = fc.record({
  begun: fc.constantFrom(0, 0, 0, 3, 6),
  times: fc.oneof<fc.Arbitrary<readonly HeldTime[]>[]>(
    fc.constant([{ from: 0, bound: NEVER }]),
    fc.tuple(lasting),
    fc.array(bounded, { minLength: 1, maxLength: 3 }),
    fc.tuple(bounded, lasting),
  ),
});

/** Ways to ask: by where walks may hold the table, and when the version can be read. */
const asked = fc.record({
  held,
  versions: fc.array(fc.tuple(fc.nat(12), fc.integer({ min: 1, max: 14 })), { minLength: 1, maxLength: 6 }),
});

/** The table, told of one time after the other. */
function heldAt({ begun, times }: Held): HeldTable {
  const [first, ...others] = times.toSorted((a, b) => a.from - b.from);
  const state = { begun, ...first!, later: null } as HeldTable;
  for (const time of others) holdAlso(state, { ...time, later: null } as HeldTable, 0, NEVER);
  return state;
}

/** What each generation can load by itself, and until when the caches keep it. */
function generationByGeneration(
  { begun, times }: Held,
  coverage: Coverage,
  begin: number,
  until: number,
): { loads: number[]; inside: number[]; absent: number[]; first: number } {
  const { begins, deaths, generations, start, end } = coverage;
  const [loads, inside, absent]: number[][] = [[], [], []];
  let first = -1;
  for (let g = 0; g < generations; g++) {
    if (begins[g + 1]! <= begun) continue;
    const since = times
      .filter(({ from, bound }) => begins[g]! < bound && from < deaths[g]!)
      .map(({ from }) => Math.max(from, begins[g]!, begin));
    const from = Math.min(NEVER, ...since);
    const to = Math.min(until, deaths[g]!);
    if (from >= to) continue;
    if (first < 0) first = g;
    addSpan(loads!, from, to);
    addSpan(inside!, from, coverage.leafDeath(g, to - 1, start, end));
    addSpan(absent!, from, coverage.absenceDeath(g, to - 1));
  }
  return { loads: loads!, inside: inside!, absent: absent!, first };
}

describe("until when what a version says can be used", () => {
  it("is what all walks that can load it make of it, asked for once or again", () => {
    const seen = { reachable: 0, generations: 0, ever: 0, bounded: 0, several: 0 };
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 2, maxLength: 18 }),
        fc.array(asked, { minLength: 1, maxLength: 4 }),
        fc.boolean(),
        fc.boolean(),
        fc.boolean(),
        (steps, asks, hasAtc, mustContain, cachesAbsence) => {
          const domain = { id: 1, root: 0x100 as Pfn, levels: 2 };
          const log = new ScriptLog(EditScript.from(steps as Step[]), [domain]);
          const lifetime = new Lifetime();
          const all = new Coverages(log, 1, PAGES, oneRange(0, PAGES), hasAtc, mustContain);
          for (const coverage of stretchesOf(all)) {
            if (coverage.generations > 2) seen.generations++;
            for (const { held, versions } of asks) {
              const state = heldAt(held);
              if (state.later !== null) seen.several++;
              for (const [begin, length] of versions) {
                const until = length === 14 ? NEVER : begin + length;
                const naive = generationByGeneration(held, coverage, begin, until);
                const reach = new Reach();
                const isReachable = naive.first >= 0;
                expect(reach.set(coverage, state, begin, until)).toBe(isReachable);
                lifetime.set(coverage, state, begin, until, cachesAbsence);
                expect(lifetime.isReachable).toBe(isReachable);
                if (!isReachable) continue;
                seen.reachable++;
                if (coverage.generations > 1) seen[isEver(state) ? "ever" : "bounded"]++;
                expect(reach.firstGeneration).toBe(naive.first);
                expect([reach.loads(), reach.cachedInside(), reach.cachedAbsence()]).toEqual([
                  naive.loads,
                  naive.inside,
                  naive.absent,
                ]);
                const leafUntil = aliveUntil(naive.inside);
                const absent = cachesAbsence ? naive.absent : naive.loads;
                expect(lifetime.leafUntil).toBe(leafUntil);
                expect(lifetime.drained).toBe(coverage.drained(leafUntil));
                expect(lifetime.isLastingAbsence).toBe(aliveUntil(absent) === NEVER);
                expect(lifetime.first).toBe(reach.first);
                expect(reach.first).toBe(naive.loads[0]);
              }
            }
          }
        },
      ),
      { numRuns: 2000 },
    );
    expect(seen.reachable).toBeGreaterThan(10_000);
    expect(seen.generations).toBeGreaterThan(200);
    expect(seen.ever).toBeGreaterThan(1000);
    expect(seen.bounded).toBeGreaterThan(1000);
    expect(seen.several).toBeGreaterThan(1000);
  });
});
