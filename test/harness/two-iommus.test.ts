import { describe, expect, it } from "vitest";
import { MUTANTS } from "../../src/check/mutants/index.ts";
import { EditScript, type Step } from "../../src/edit-script/index.ts";
import { decideCall } from "../../src/harness/mutants/decide-call.ts";
import { type PlannedCall, PlannedCalls } from "../../src/harness/mutants/planned-calls.ts";
import { SCENARIOS } from "../../src/vmm/index.ts";

/** What a kernel with two IOMMUs behind one container shows when it makes of each script what `rewrite` says. */
function found(scenario: string, rewrite: (planned: PlannedCall) => EditScript): string[] {
  const { sequence, backing } = SCENARIOS.get(scenario)!;
  const classes = new Set<string>();
  new PlannedCalls({ sequence, backing, format: "vtd-ss-48", seed: 1, units: 2 }).cycle((planned) => {
    const { call, before } = planned;
    expect(before.domains).toHaveLength(2);
    const { results } = decideCall(planned, [call], { ...call, script: rewrite(planned) }, ["weak"]);
    for (const f of results[0]!.findings) classes.add(`${f.class} ${f.cause} in domain ${f.domain}`);
  });
  return [...classes].sort();
}
const without = (script: EditScript, unwanted: (step: Step) => boolean): EditScript =>
  EditScript.from([...script].filter((step) => !unwanted(step)));

describe("a container with devices behind two IOMMUs", () => {
  it.each([...SCENARIOS.keys()])("is changed without a violation in either: %s", (name) => {
    expect(found(name, ({ call }) => call.script)).toEqual([]);
  });

  it("shows which of the two a kernel forgets to invalidate (M15: one of two attached IOMMUs skipped)", () => {
    for (const skipped of [0, 1]) {
      const shown = found("large-rights", ({ call, before }) => {
        const { id } = before.domains[skipped]!;
        return without(call.script, (step) => step.op === "invalidate" && step.domain === id);
      });
      expect(shown).toHaveLength(1);
      expect(shown[0]).toMatch(new RegExp(`^V04 (wrong-tag|missing-inv) in domain ${skipped + 1}$`));
    }
  });

  it("shows that the tag of the other domain drops nothing of its own (M15)", () => {
    const { rewrite } = MUTANTS.get("M15")!;
    const shown = found("large-rights", ({ call, context }) => rewrite(call.script, context));
    expect(shown).toEqual(["V04 wrong-tag in domain 1"]);
  });
});
