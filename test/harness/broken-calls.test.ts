import { describe, expect, it } from "vitest";
import { CALL_MUTANTS, type CallMutant } from "../../src/check/mutants/index.ts";
import {
  type CheckCase,
  decideChanges,
  replayChange,
  runCheck,
  StressError,
} from "../../src/harness/index.ts";
import { loadInput, type MapSequence, SCENARIOS, STRATEGIES } from "../../src/vmm/index.ts";

const setMap = STRATEGIES.get("set-map")!;
const boot = loadInput(new URL("../../data/qemu/pc-seabios-boot", import.meta.url).pathname);
const casesOf = (mutant: CallMutant | null, sequence?: MapSequence): CheckCase => {
  const scenario = SCENARIOS.get(mutant?.scenario ?? "remap")!;
  const { backing } = scenario;
  return { sequence: sequence ?? scenario.sequence, format: "vtd-ss-48", seed: 1, backing, mutant };
};
const all = [...CALL_MUTANTS.values()].map((m) => [m.id, m] as const);
const alone = all.filter(([, m]) => m.calls === undefined);

describe("deciding a fault of whole calls", () => {
  it.each(all)("finds the class of %s in its scenario, and only it", (_, mutant) => {
    const classes = new Set<string>();
    for (const change of decideChanges(casesOf(mutant), setMap, ["weak"])) {
      for (const f of change.findings) classes.add(f.class);
      expect(change.crash).toBeNull();
    }
    expect([...classes]).toEqual([mutant.expected]);
  });

  it.each(alone)(
    "finds %s in the changes of any other input, too, and goes on from correct tables",
    (_, mutant) => {
      let found = 0;
      let changes = 0;
      for (const change of decideChanges(casesOf(mutant, boot), setMap, ["weak"], { cyclic: true })) {
        expect(change.findings.filter((f) => f.class !== mutant.expected)).toEqual([]);
        if (change.findings.length > 0) found++;
        changes++;
      }
      expect(changes).toBe(boot.steps.length);
      expect(found).toBeGreaterThan(changes / 2);
    },
  );

  it.each(all)(
    "shows %s again from where it was found, and nothing of it on a correct kernel",
    async (_, mutant) => {
      const how = casesOf(mutant);
      const result = await runCheck({
        ...how,
        input: "x",
        strategies: [setMap],
        modes: ["weak"],
        replay: ({ step }) => String(step),
      });
      expect(result).toMatchObject({ verdict: "violation", inject: mutant.id });
      const { class: kind, replay, rule } = result.violations[0]!;
      expect(rule).not.toBe("");
      const target = { step: Number(replay), pass: 1, class: kind, iovaPfn: 0, modes: ["weak"] as const };
      expect(replayChange(how, setMap, target, "again").finding).toMatchObject({
        class: kind,
        replay: "again",
      });
      expect(replayChange({ ...how, mutant: null }, setMap, target, "again").classes).toEqual([]);
    },
  );

  it("decides the change from nothing where there is one map only", () => {
    const mutant = CALL_MUTANTS.get("M39b")!;
    const { sequence } = casesOf(null);
    const one = { ...sequence, steps: sequence.steps.slice(0, 1) };
    const changes = [...decideChanges(casesOf(mutant, one), setMap, ["weak"])];
    expect(changes.map((c) => [c.step, ...c.findings.map((f) => f.class)])).toEqual([[0, "V14"]]);
  });

  it("refuses a strategy of several calls, and calls at once where nothing says which", () => {
    const decided = (mutant: string, sequence?: MapSequence, strategy = "set-map") => {
      const how = casesOf(CALL_MUTANTS.get(mutant)!, sequence);
      return [...decideChanges(how, STRATEGIES.get(strategy)!, ["weak"])];
    };
    expect(() => decided("M39", undefined, "legacy")).toThrow(StressError);
    expect(() => decided("M39", undefined, "legacy")).toThrow("decide it with set-map, not legacy");
    expect(() => decided("M37", boot)).toThrow(StressError);
    expect(() => decided("M37", boot)).toThrow("decide it with two-callers");
  });
});
