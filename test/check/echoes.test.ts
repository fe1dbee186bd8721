import { describe, expect, it } from "vitest";
import { type CheckInput, check, Decision } from "../../src/check/index.ts";
import { randomCase } from "./random-script.ts";
import { scatteredCase } from "./scattered-script.ts";

const kinds: readonly (readonly [string, number, (seed: number) => CheckInput])[] = [
  ["small scripts", 2000, (seed) => randomCase(400_000 + seed).input],
  ["scattered pages", 300, (seed) => scatteredCase(400_000 + seed)],
];

describe("stale leaves on frames that lose their last pin", () => {
  it.each(kinds)("change no class and no page when they are not told, in %s", (_, cases, make) => {
    let skipped = 0;
    for (let seed = 1; seed <= cases; seed++) {
      const input = make(seed);
      const mode = seed % 3 === 0 ? "strong" : "weak";
      const found = (skipHidden: boolean): string[] => {
        const { findings } = check(input, { mode, skipHidden, causes: false });
        return findings.map(
          ({ class: kind, domain, ranges }) => `${kind} ${domain} ${JSON.stringify(ranges)}`,
        );
      };
      expect(found(true), `seed ${400_000 + seed}`).toEqual(found(false));
      const decision = new Decision(input);
      const how = { mode, collapse: true, skipUntouched: true, journalRules: true, only: null } as const;
      decision.violations({ ...how, skipHidden: true });
      if (decision.hasSkipped) skipped++;
    }
    expect(skipped).toBeGreaterThan(10);
  });

  it("are told where what shows depends on the order of stores", () => {
    let both = 0;
    for (let seed = 1; seed <= 2000; seed++) {
      const { input } = randomCase(500_000 + seed);
      const classes = check(input, { causes: false }).findings.map((f) => `${f.class} ${f.shows}`);
      if (classes.includes("V06 V06") && classes.some((shown) => shown.startsWith("V15"))) both++;
    }
    expect(both).toBeGreaterThan(5);
  });
});
