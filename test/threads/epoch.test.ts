import { describe, expect, it } from "vitest";
import { MUTANTS } from "../../src/check/mutants/index.ts";
import { runStress, type StressOptions } from "../../src/harness/index.ts";
import { StressMachine } from "../../src/harness/stress/machine.ts";
import type { SeenAt } from "../../src/harness/stress/options.ts";
import { threadedPasses } from "../../src/harness/stress/threaded-passes.ts";
import { SCENARIOS, STRATEGIES } from "../../src/vmm/index.ts";

function optionsOf(scenario: string, strategy: string, format = "vtd-ss-48", seed = 1): StressOptions {
  const { sequence, backing, name: input } = SCENARIOS.get(scenario)!;
  return {
    ...{ sequence, backing, input, format, seed, timeMs: 1000, devices: 2, perturb: true, mutant: null },
    strategies: [STRATEGIES.get(strategy)!],
    replay: () => "",
  };
}

/** What devices saw in `timeMs` of changes, and how often the old map answered after the new one had. */
async function seen(scenario: string, strategy: string, timeMs: number, seed = 1) {
  const options = optionsOf(scenario, strategy, "vtd-ss-48", seed);
  const machine = new StressMachine(options, options.strategies[0]!);
  const { devices, passes } = await threadedPasses(machine, options, timeMs, () => {});
  const sum = (of: (d: (typeof devices)[number]) => number): number => devices.reduce((n, d) => n + of(d), 0);
  return {
    passes,
    backToOld: sum((d) => d.statistics.backToOld),
    newAnswers: sum((d) => d.outcomes["new-answer"]),
    oldAnswers: sum((d) => d.outcomes["old-answer"]),
    tag: machine.kernel.domains()[0]!.tag,
  };
}

describe("epoch mode under device threads", () => {
  it.each([
    ["pam-2020", "vtd-ss-48"],
    ["boundary-1g", "vtd-ss-39-cm"],
    ["replace-all", "vtd-ss-57"],
    ["read-only-split", "vtd-ss-48-ad"],
  ])("disturbs no device in %s on %s", async (scenario, format) => {
    const result = await runStress(optionsOf(scenario, "epoch", format));
    expect(result.violations).toEqual([]);
    expect(result.verdict).toBe("clean");
    const [run] = result.strategies;
    // One store a change: the switch.
    expect(run).toMatchObject({ entryStores: run!.changes, ioctls: run!.changes, keptBytesLost: 0 });
    const samples = (id: string): number => run!.outcomes.find((o) => o.id === id)!.samples;
    expect(samples("new-answer")).toBeGreaterThan(0);
    expect(samples("old-after-new")).toBe(0);
  });

  it("never shows a device the old map again, on any page, once it has seen the new one", async () => {
    const run = await seen("replace-all", "epoch", 1000);
    expect(run.newAnswers).toBeGreaterThan(0);
    expect(run.oldAnswers).toBeGreaterThan(0);
    expect(run.backToOld).toBe(0);
    // Two tags serve any number of switches: each is flushed when the other takes over.
    expect(run.passes).toBeGreaterThan(2);
    expect(run.tag).toBeLessThanOrEqual(2);
  });

  it("is caught as V11 when the tag is kept, although each access by itself sees a legal answer", async () => {
    const mutant = MUTANTS.get("M41")!;
    const decide = (at: SeenAt): string => `${at.class} ${at.iovaPfn}`;
    const result = await runStress({ ...optionsOf("replace-all", "epoch"), mutant, decide, timeMs: 3000 });
    expect(result.verdict).toBe("violation");
    const [v11, ...others] = result.violations;
    expect(others).toEqual([]);
    expect(v11).toMatchObject({ class: "V11", strategy: "epoch" });
    expect(v11!.samples).toBeGreaterThan(0);
    expect(v11!.decide).toBe(`V11 ${Number(v11!.iova) / 4096}`);
  });

  it("differs in that from edits in place, where devices do see both maps by turns", async () => {
    // It takes a device between two stores of one change: with other seeds until one is there.
    let backToOld = 0;
    for (let seed = 1; seed <= 80 && backToOld === 0; seed++)
      backToOld = (await seen("replace-all", "set-map", 500, seed)).backToOld;
    expect(backToOld).toBeGreaterThan(0);
  });
});
