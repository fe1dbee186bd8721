import { describe, expect, it } from "vitest";
import { check } from "../../src/check/index.ts";
import { MUTANTS } from "../../src/check/mutants/index.ts";
import { CACHE_CONTEXT, EditScript, type Step } from "../../src/edit-script/index.ts";
import { type CheckCase, decideChanges } from "../../src/harness/index.ts";
import { SCENARIOS, STRATEGIES } from "../../src/vmm/index.ts";

const epoch = STRATEGIES.get("epoch")!;
const caseOf = (scenario: string, format: string): CheckCase => {
  const { sequence, backing } = SCENARIOS.get(scenario)!;
  return { sequence, backing, format, seed: 1, mutant: null };
};

const isContextFlush = (s: Step): boolean => s.op === "invalidate" && (s.caches & CACHE_CONTEXT) !== 0;
const isFlush = (s: Step): boolean => s.op === "invalidate" && !isContextFlush(s);
const beforeTheFlush = (steps: Step[], op: Step["op"]): Step[] => {
  const rest = steps.filter((s) => s.op !== op);
  const at = rest.findIndex(isContextFlush);
  return [...rest.slice(0, at), ...steps.filter((s) => s.op === op), ...rest.slice(at)];
};

/** Kernels that get the switch wrong: what they do to each script, and how the checker must name it. */
const BROKEN: [string, string, (steps: Step[]) => Step[]][] = [
  ["flushes no context entries", "V07 missing-inv", (steps) => steps.filter((s) => !isContextFlush(s))],
  ["flushes context entries only", "V07 missing-inv", (steps) => steps.filter((s) => !isFlush(s))],
  [
    "flushes leaves only",
    "V07 wrong-scope",
    (steps) => steps.map((s) => (s.op === "invalidate" && isFlush(s) ? { ...s, scope: "leaf" } : s)),
  ],
  [
    "flushes context entries last",
    "V07 order",
    (steps) => {
      const [first, second] = [steps.find(isContextFlush)!, steps.find(isFlush)!];
      return steps.map((s) => (s === first ? second : s === second ? first : s));
    },
  ],
  [
    "does not drain",
    "V06 no-drain",
    (steps) => steps.map((s) => (s.op === "wait" ? { ...s, drain: false } : s)),
  ],
  [
    "switches before the tables are visible",
    "V15 no-barrier",
    (steps) => steps.filter((s, i) => s.op !== "barrier" || steps[i + 1]?.op !== "setRoot"),
  ],
  [
    "flushes before the switch is visible",
    "V15 no-barrier",
    (steps) => steps.filter((s, i) => s.op !== "barrier" || steps[i - 1]?.op !== "setRoot"),
  ],
  ["frees tables before the flush", "V07 early-free", (steps) => beforeTheFlush(steps, "freeTable")],
  ["unpins before the flush", "V06 early-unpin", (steps) => beforeTheFlush(steps, "unpin")],
];

/** Class and cause of all that the first change of a scenario shows when the kernel rewrites its script. */
function foundIn(format: string, rewrite: (steps: Step[]) => Step[]): string[] {
  const mutant = {
    ...MUTANTS.get("M17")!,
    rewrite: (script: EditScript) => EditScript.from(rewrite([...script])),
  };
  const [change] = decideChanges({ ...caseOf("remap", format), mutant }, epoch, ["strong", "weak"], {
    only: 1,
  });
  return [...new Set(change!.findings.map((f) => `${f.class} ${f.cause}`))];
}

describe("deciding epoch mode", () => {
  it.each(["vtd-ss-39", "vtd-ss-48-cm", "vtd-ss-57-nc"])(
    "finds every interleaving of every built-in scenario clean on %s, the whole-map rule included",
    (format) => {
      let changes = 0;
      for (const { name } of SCENARIOS.values()) {
        for (const change of decideChanges(caseOf(name, format), epoch, ["strong", "weak"], {
          cyclic: true,
        })) {
          expect(change.input.isEpoch).toBe(true);
          expect(change.findings.map((f) => `${name} ${f.class} ${f.met}`)).toEqual([]);
          if (change.scripts > 0) changes++;
        }
      }
      expect(changes).toBeGreaterThan(SCENARIOS.size);
    },
    60_000,
  );

  it("finds that edits in place do not switch a whole map at one instant", () => {
    for (const { input } of decideChanges(caseOf("remap", "vtd-ss-48"), STRATEGIES.get("set-map")!, [
      "weak",
    ])) {
      const { findings } = check({ ...input, isEpoch: true }, { causes: false });
      expect(new Set(findings.map((f) => f.class))).toEqual(new Set(["V11"]));
      return;
    }
    expect.unreachable();
  });

  it.each(BROKEN)("catches a kernel that %s: %s", (_, expected, rewrite) => {
    for (const format of ["vtd-ss-48", "vtd-ss-48-cm"]) expect(foundIn(format, rewrite)).toEqual([expected]);
  });

  it("catches a kernel that leaves its new tables in the CPU cache of a walker that does not snoop", () => {
    const unclean = (steps: Step[]): Step[] => steps.filter((s) => s.op !== "clean");
    expect(foundIn("vtd-ss-48-nc", unclean)).toEqual(["V15 no-clean"]);
  });
});
