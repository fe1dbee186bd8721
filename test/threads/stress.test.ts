import { describe, expect, it } from "vitest";
import { runStress, StressError, type StressOptions } from "../../src/harness/index.ts";
import { loadInput, runResultSchema, SCENARIOS, STRATEGIES, toJson } from "../../src/index.ts";

const named = (...names: string[]) => names.map((name) => STRATEGIES.get(name)!);
const pam = SCENARIOS.get("pam-2020")!;
const base: StressOptions = {
  sequence: pam.sequence,
  input: pam.name,
  strategies: named("legacy", "set-map"),
  format: "vtd-ss-48",
  seed: 1,
  timeMs: 1000,
  devices: 2,
  backing: pam.backing,
  perturb: true,
  mutant: null,
  replay: (strategy) => `hitless stress pam-2020 --strategy ${strategy}`,
};
const samples = (s: { outcomes: readonly { id: string; samples: number }[] }, id: string): number =>
  s.outcomes.find((o) => o.id === id)!.samples;

describe("stress run", () => {
  it("shows devices faulting on kept RAM under legacy and none under set-map, on the bundled capture", async () => {
    const folder = new URL("../../data/qemu/pc-seabios-boot", import.meta.url).pathname;
    const result = await runStress({ ...base, sequence: loadInput(folder), backing: "thp", timeMs: 3000 });
    const [legacy, setMap] = result.strategies;
    expect(result.verdict).toBe("clean");
    expect(result.violations).toEqual([]);
    expect(legacy).toMatchObject({ name: "legacy", baseline: true, changes: 29 });
    expect(samples(legacy!, "V01")).toBeGreaterThan(0);
    expect(legacy!.keptBytesLost).toBeGreaterThan(2 ** 34);
    expect(legacy!.violations.map((v) => v.class)).toContain("V01");
    expect(setMap).toMatchObject({
      name: "set-map",
      baseline: false,
      ioctls: 29,
      keptBytesLost: 0,
      violations: [],
    });
    expect(samples(setMap!, "kept-served")).toBeGreaterThan(0);
    for (const s of result.strategies) {
      expect(s.passes).toBeGreaterThanOrEqual(1);
      expect(s.outcomes.reduce((sum, o) => sum + o.samples, 0)).toBe(s.accesses);
    }
    expect(runResultSchema.parse(JSON.parse(toJson(result)))).toEqual(result);
  });

  it("is a violation when legacy runs alone", async () => {
    const result = await runStress({ ...base, strategies: named("legacy"), timeMs: 500 });
    expect(result.verdict).toBe("violation");
    expect(result.strategies[0]!.baseline).toBe(false);
    expect(result.violations[0]).toMatchObject({
      class: "V01",
      strategy: "legacy",
      replay: "hitless stress pam-2020 --strategy legacy",
    });
  });

  it("does not take a table that is freed and used anew before a walk finds it for a freed one", async () => {
    const { sequence, name: input } = SCENARIOS.get("boundary-1g")!;
    const strategies = named("legacy");
    const result = await runStress({ ...base, sequence, input, strategies, backing: "huge1g", timeMs: 4000 });
    expect(samples(result.strategies[0]!, "V07")).toBe(0);
    expect(samples(result.strategies[0]!, "V01")).toBeGreaterThan(0);
  });

  it("takes each strategy through one whole pass however little time there is", async () => {
    const result = await runStress({
      ...base,
      timeMs: 1,
      strategies: named("legacy", "vmm-diff", "set-map"),
    });
    expect(result.strategies.map((s) => s.passes)).toEqual([1, 1, 1]);
    for (const s of result.strategies) expect(s.accesses).toBeGreaterThan(0);
  });

  it("gives what was seen when it is interrupted, and calls it inconclusive", async () => {
    const interrupt = new AbortController();
    const result = await runStress({
      ...base,
      timeMs: 600_000,
      signal: interrupt.signal,
      onProgress: ({ strategy, accesses }) => strategy === "legacy" && accesses > 0 && interrupt.abort(),
    });
    expect(result).toMatchObject({ partial: true, verdict: "inconclusive" });
    expect(result.strategies.map((s) => s.name)).toEqual(["legacy"]);
    expect(result.strategies[0]!.accesses).toBeGreaterThan(0);
  });

  it("is clean when interrupted after every strategy had its pass", async () => {
    const interrupt = new AbortController();
    const result = await runStress({
      ...base,
      strategies: named("set-map"),
      timeMs: 600_000,
      signal: interrupt.signal,
      onProgress: ({ passes }) => passes > 0 && interrupt.abort(),
    });
    expect(result).toMatchObject({ partial: true, verdict: "clean" });
  });

  it.each(["vtd-ss-39", "vtd-ss-57", "vtd-ss-48-cm", "vtd-ss-48-ad"])(
    "sees nothing under set-map with %s",
    async (format) => {
      for (const name of ["boundary-2m", "replace-all"]) {
        const { sequence, backing } = SCENARIOS.get(name)!;
        const run = { ...base, sequence, backing, format, strategies: named("set-map"), timeMs: 500 };
        const result = await runStress(run);
        expect(result.violations).toEqual([]);
        expect(result.verdict).toBe("clean");
      }
    },
  );

  it("works with one map, with one device and without perturbation", async () => {
    const sequence = { ...pam.sequence, steps: pam.sequence.steps.slice(0, 1) };
    const result = await runStress({ ...base, sequence, devices: 1, perturb: false, timeMs: 100 });
    expect(result.verdict).toBe("clean");
    expect(result.strategies.map((s) => s.changes)).toEqual([0, 0]);
  });

  it("says which map the kernel refused", async () => {
    const [first] = pam.sequence.steps;
    const beyond = { ...first!.map.regions[0]!, iovaPfn: (2 ** 36) as never };
    const step = { ...first!, label: "too high", map: { regions: [beyond] } };
    const run = { ...base, sequence: { ...pam.sequence, steps: [first!, step] } };
    await expect(runStress(run)).rejects.toThrow(StressError);
    await expect(runStress(run)).rejects.toThrow(/legacy: .*'too high' \(pam-2020:1\) with EINVAL/);
  });
});
