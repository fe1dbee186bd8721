import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { oneRange } from "../../src/check/lists/ranges.ts";
import { NEVER } from "../../src/check/script/positions.ts";
import { ScriptLog } from "../../src/check/script/script-log.ts";
import type { Coverage } from "../../src/check/walks/coverage.ts";
import { Coverages } from "../../src/check/walks/coverages.ts";
import { aliveUntil } from "../../src/check/walks/facts.ts";
import type { HeldTable } from "../../src/check/walks/held-table.ts";
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

/** Ways to ask: by where walks may hold the table, and when the version can be read. */
const asked = fc.record({
  held: fc.option(fc.array(fc.nat(5), { minLength: 1, maxLength: 3 }), { freq: 2 }),
  versions: fc.array(fc.tuple(fc.nat(12), fc.integer({ min: 1, max: 14 })), { minLength: 1, maxLength: 6 }),
});

/** A table that walks of generation g may hold from some position of its time on, or not at all; all of them all the time with null. */
function heldIn({ generations, begins }: Coverage, by: readonly number[] | null): HeldTable {
  if (by === null) return { earliest: null } as HeldTable;
  const earliest = Int32Array.from({ length: generations }, (_, g) => {
    const from = begins[g]! + by[g % by.length]!;
    return from < begins[g + 1]! ? from : NEVER;
  });
  return { earliest } as HeldTable;
}

describe("until when what a version says can be used", () => {
  it("is what all walks that can load it make of it, asked for once or again", () => {
    const seen = { reachable: 0, generations: 0, ever: 0 };
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
              const state = heldIn(coverage, held);
              for (const [begin, length] of versions) {
                const until = length === 14 ? NEVER : begin + length;
                const reach = new Reach();
                const isReachable = reach.set(coverage, state, begin, until);
                lifetime.set(coverage, state, begin, until, cachesAbsence);
                expect(lifetime.isReachable).toBe(isReachable);
                if (!isReachable) continue;
                seen.reachable++;
                if (held === null && coverage.generations > 1) seen.ever++;
                const leafUntil = aliveUntil(reach.cachedInside());
                const absent = cachesAbsence ? reach.cachedAbsence() : reach.loads();
                expect(lifetime.leafUntil).toBe(leafUntil);
                expect(lifetime.drained).toBe(coverage.drained(leafUntil));
                expect(lifetime.isLastingAbsence).toBe(aliveUntil(absent) === NEVER);
                expect(lifetime.first).toBe(reach.first);
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
  });
});
