import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Decision, RangeList } from "../../src/check/index.ts";
import { randomCase } from "./random-script.ts";

const how = {
  collapse: true,
  skipUntouched: true,
  journalRules: true,
  only: null,
} as const;

/** Pages by class. */
function pagesByClass(
  decision: Decision,
  mode: "weak" | "strong",
  acceptPlain: boolean,
): Record<string, unknown> {
  const pages: Record<string, RangeList> = {};
  for (const v of decision.violations({ ...how, mode, acceptPlain }))
    (pages[v.class] ??= new RangeList()).push(v.start, v.end);
  return Object.fromEntries(Object.entries(pages).map(([kind, list]) => [kind, { ...list.union() }]));
}

describe("what an entry held, readable until the next barrier", () => {
  it("makes no difference where it is noted as making none", () => {
    const seen = { wrong: 0, different: 0 };
    fc.assert(
      fc.property(fc.nat(10_000_000), fc.boolean(), (seed, acceptPlain) => {
        const decision = new Decision(randomCase(seed).input);
        const weak = pagesByClass(decision, "weak", acceptPlain);
        const { dependsOnOrder } = decision;
        const strong = pagesByClass(decision, "strong", acceptPlain);
        const isOther = JSON.stringify(weak) !== JSON.stringify(strong);
        if (isOther) seen.different++;
        if (dependsOnOrder) return;
        expect(weak, `seed ${seed}`).toEqual(strong);
        if (Object.keys(weak).length > 0) seen.wrong++;
      }),
      { numRuns: 3000 },
    );
    // Both kinds of scripts were met.
    expect(seen.wrong).toBeGreaterThan(100);
    expect(seen.different).toBeGreaterThan(100);
  });
});
