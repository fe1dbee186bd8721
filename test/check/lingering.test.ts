import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CheckInput, Decision, RangeList } from "../../src/check/index.ts";
import type { Violations } from "../../src/check/rules/violations.ts";
import { EditScript } from "../../src/edit-script/index.ts";
import { randomDirtyCase } from "./random-dirty-script.ts";
import { randomCase } from "./random-script.ts";
import { withCleans } from "./scattered-script.ts";
import { seededRandom } from "./seeded-random.ts";

const how = {
  collapse: true,
  skipUntouched: true,
  journalRules: true,
  only: null,
} as const;

/** Pages by class. */
function pagesByClass(violations: Violations): Record<string, unknown> {
  const pages: Record<string, RangeList> = {};
  for (const v of violations) (pages[v.class] ??= new RangeList()).push(v.start, v.end);
  return Object.fromEntries(Object.entries(pages).map(([kind, list]) => [kind, { ...list.union() }]));
}

/** Walkers that do not snoop, and the cleans that show them what is stored, or some of them. */
function notSnooped(seed: number): CheckInput {
  const { input, steps } = randomCase(seed);
  const random = seededRandom(seed);
  const all = [...steps];
  withCleans(all, random, 2 ** (input.capability.indexLg2 ?? 9));
  const capability = { ...input.capability, coherentWalk: false };
  return { ...input, capability, script: EditScript.from(all) };
}

const machines: readonly (readonly [string, (seed: number) => CheckInput])[] = [
  ["plain", (seed) => randomCase(seed).input],
  ["non-snooping", notSnooped],
  ["dirty-tracking", (seed) => randomDirtyCase(seed).input],
];

describe("what an entry held, readable until the next barrier or clean", () => {
  it.each(machines)("makes no difference where it is noted as making none, on %s walkers", (_, make) => {
    const seen = { wrong: 0, different: 0 };
    fc.assert(
      fc.property(fc.nat(10_000_000), fc.boolean(), (seed, acceptPlain) => {
        const decision = new Decision(make(seed));
        const found = decision.violations({ ...how, mode: "weak", acceptPlain });
        const weak = pagesByClass(found);
        const dependsOnOrder = decision.dependsOnOrder(found);
        const strong = pagesByClass(decision.violations({ ...how, mode: "strong", acceptPlain }));
        const isOther = JSON.stringify(weak) !== JSON.stringify(strong);
        if (isOther) seen.different++;
        if (!decision.walksDependOnOrder) {
          const ofWalks = ({ V10: _, ...others }: typeof weak) => others;
          expect(ofWalks(weak), `seed ${seed}`).toEqual(ofWalks(strong));
        }
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
