import { describe, expect, it } from "vitest";
import { MUTANTS } from "../../src/check/mutants/index.ts";
import { replayChange, runStress } from "../../src/harness/index.ts";
import type { RunResult } from "../../src/report/index.ts";
import { toJson, toTerminal } from "../../src/report/index.ts";
import { SCENARIOS, STRATEGIES } from "../../src/vmm/index.ts";

const ENOUGH_SAMPLES = 40;

const run = (
  scenario: string,
  strategy: string,
  inject: string | null,
  timeMs = 20_000,
): Promise<RunResult> => {
  const { name, sequence, backing } = SCENARIOS.get(scenario)!;
  const enough = new AbortController();
  return runStress({
    sequence,
    input: name,
    strategies: [STRATEGIES.get(strategy)!],
    format: "vtd-ss-48",
    seed: 3,
    timeMs,
    devices: 2,
    backing,
    perturb: true,
    mutant: inject === null ? null : MUTANTS.get(inject)!,
    prove: true,
    replay: () => "",
    decide: (seen) => JSON.stringify(seen),
    signal: enough.signal,
    onProgress: ({ forbidden }) => forbidden >= ENOUGH_SAMPLES && enough.abort(),
  });
};
const observed = ({ strategies: [s] }: RunResult): (string | null)[] => [
  ...new Set(s!.outcomes.filter((o) => o.grade === "FORBIDDEN" && o.samples > 0).map((o) => o.class)),
];
const predicted = ({ strategies: [s] }: RunResult): string[] => s!.proved!.violations.map((v) => v.class);

describe("what is proved beside what threads observe", () => {
  it("observed classes of legacy are among the predicted ones", async () => {
    const result = await run("pam-2020", "legacy", null);
    const [seen, foretold] = [observed(result), predicted(result)];
    expect(seen.length).toBeGreaterThan(0);
    for (const violation of seen) expect(foretold).toContain(violation);
    const { violations } = result.strategies[0]!;
    expect(violations.length).toBeGreaterThan(0);
    for (const violation of violations) expect(violation.predicted).toBe(true);
  });

  it("lets the checker show what a device saw, on the change in which it was seen", async () => {
    const mutant = MUTANTS.get("M18")!;
    const { violations } = await run(mutant.scenario, "set-map", "M18");
    const { sequence, backing } = SCENARIOS.get(mutant.scenario)!;
    const seen = JSON.parse(violations[0]!.decide!);
    expect(seen).toMatchObject({ class: "V06", strategy: "set-map" });
    expect(seen.step).not.toBeNull();
    const { finding } = replayChange(
      { sequence, backing, format: "vtd-ss-48", seed: 3, mutant },
      STRATEGIES.get("set-map")!,
      { ...seen, modes: ["weak"] },
      "",
    );
    expect(finding).toMatchObject({ class: "V06", changes: [{ step: seen.step }] });
    const page = BigInt(seen.iovaPfn) << 12n;
    const isIn = (r: { iova: string; bytes: number }): boolean =>
      BigInt(r.iova) <= page && page < BigInt(r.iova) + BigInt(r.bytes);
    expect(finding!.ranges.some(isIn)).toBe(true);
  });

  it("says so in one line, in JSON, and shows a class that was predicted and not met with 0 samples", async () => {
    const result = await run("no-change", "set-map", null, 500);
    const [s] = result.strategies;
    expect(s!.proved).toMatchObject({ mode: "weak", changes: result.maps, violations: [] });
    expect(JSON.parse(toJson(result)).strategies[0].proved.violations).toEqual([]);
    const text = (r: RunResult): string => toTerminal(r, { width: 200 });
    expect(text(result)).toMatch(
      /^ {2}proved: all interleavings of \d+ map changes decided, .* schedules represented: clean$/m,
    );
    const seen = { class: "V09", iova: "0x4000", samples: 1, detail: "", replay: "", predicted: true };
    const unlucky = { ...s!.proved!, violations: [{ class: "V09", pages: 3, changes: 1 }] };
    expect(text({ ...result, strategies: [{ ...s!, proved: unlucky }] })).toMatch(
      /^ {2}proved: .* represented: V09; predicted, 0 samples: V09$/m,
    );
    const surprise = { ...seen, class: "V02", iova: "0x5000", predicted: false };
    expect(text({ ...result, strategies: [{ ...s!, violations: [surprise] }] })).toMatch(
      /SEEN BUT NOT PREDICTED: V02 at 0x5000: the checker misses this/,
    );
    expect(text({ ...result, strategies: [{ ...s!, violations: [seen] }] })).not.toContain("NOT PREDICTED");
    const { proved: _, ...before } = s!;
    expect(text({ ...result, strategies: [before] })).not.toContain("proved:");
  });
});
