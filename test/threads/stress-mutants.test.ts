import { describe, expect, it } from "vitest";
import { runStress } from "../../src/harness/index.ts";
import { MUTANTS, SCENARIOS, STRATEGIES } from "../../src/index.ts";

const CAUGHT = ["M01", "M02", "M13", "M18", "M21", "M25"].map((id) => MUTANTS.get(id)!);
const SEEDS = [1, 2, 3];
/** Enough to see a second class, should there be one. */
const ENOUGH_SAMPLES = 15;

describe("device threads catch a known-broken kernel by its class and no other, which the checker foretold", () => {
  it.each(CAUGHT)(
    "$id: $title",
    async (mutant) => {
      const { name, sequence, backing } = SCENARIOS.get(mutant.scenario)!;
      for (const seed of SEEDS) {
        expect(mutant.seenByThreads).toBe(true);
        const enough = new AbortController();
        const result = await runStress({
          sequence,
          input: name,
          strategies: [STRATEGIES.get("set-map")!],
          format: "vtd-ss-48",
          seed,
          // Ends with enough samples: on a loaded machine it takes as long as it takes.
          timeMs: 40_000,
          devices: 2,
          backing,
          perturb: true,
          mutant,
          prove: seed === SEEDS[0],
          replay: () => `seed ${seed}`,
          signal: enough.signal,
          onProgress: ({ forbidden }) => forbidden >= ENOUGH_SAMPLES && enough.abort(),
        });
        const [run] = result.strategies;
        const seen = run!.outcomes
          .filter((o) => o.grade === "FORBIDDEN" && o.samples > 0)
          .map((o) => o.class);
        expect(seen, `seed ${seed}: ${JSON.stringify(run!.violations)}`).toEqual([mutant.expected]);
        expect([...new Set(result.violations.map((v) => v.class))]).toEqual([mutant.expected]);
        expect(result.verdict).toBe("violation");
        if (seed === SEEDS[0]) expect(run!.proved?.violations.map((v) => v.class)).toContain(mutant.expected);
      }
    },
    600_000,
  );

  it.each([...new Set(CAUGHT.map((mutant) => mutant.scenario))])(
    "and see nothing in %s without a mutant",
    async (scenario) => {
      const { name, sequence, backing } = SCENARIOS.get(scenario)!;
      const result = await runStress({
        sequence,
        input: name,
        strategies: [STRATEGIES.get("set-map")!],
        format: "vtd-ss-48",
        seed: 1,
        timeMs: 1000,
        devices: 2,
        backing,
        perturb: true,
        mutant: null,
        replay: () => "",
      });
      expect(result.violations).toEqual([]);
      expect(result.verdict).toBe("clean");
      expect(result.strategies[0]!.accesses).toBeGreaterThan(1000);
    },
  );
});
