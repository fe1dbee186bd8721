import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CheckInput, check } from "../../src/check/index.ts";
import { CAPABILITIES, EditScript, printStep, type Step } from "../../src/edit-script/index.ts";
import { memoryMap } from "../kernel-iommu/arbitrary-maps.ts";
import { PLANNED_ON, plannedInputs } from "./planned-inputs.ts";
import { deletionReason, swapReason } from "./planned-redundancy.ts";

const SEED = 20_260;
/** A longer script takes the square of its steps, and has nothing that shorter ones lack. */
const MAX_STEPS = 40;

const isClean = (input: CheckInput, steps: readonly Step[]): boolean =>
  check({ ...input, script: EditScript.from(steps) }, { causes: false }).findings.length === 0;

const shown = (steps: readonly Step[], at: number): string =>
  steps.map((step, i) => `${i === at ? ">>" : "  "} ${printStep(step)}`).join("\n");

describe("each step of the planner's scripts", () => {
  it.each(PLANNED_ON)("is needed, where it is, on %s with %i domains, or not for a reason", (name, count) => {
    let [flagged, redundant] = [0, 0];
    const judge = (input: CheckInput, steps: readonly Step[], reason: string | null, text: string) => {
      if (!isClean(input, steps)) flagged++;
      else if (reason === null) expect.fail(`seed ${SEED}: no reason why this is clean\n${text}`);
      else redundant++;
    };
    fc.assert(
      fc.property(fc.array(memoryMap, { minLength: 3, maxLength: 6 }), (maps) => {
        for (const input of plannedInputs(maps, CAPABILITIES.get(name)!, count)) {
          const steps = [...input.script];
          if (steps.length > MAX_STEPS) continue;
          for (let at = 0; at < steps.length; at++)
            judge(input, steps.toSpliced(at, 1), deletionReason(steps, at), `without ${shown(steps, at)}`);
          for (let at = 0; at + 1 < steps.length; at++) {
            const swapped = steps.toSpliced(at, 2, steps[at + 1]!, steps[at]!);
            judge(input, swapped, swapReason(steps, at), `swapped with the next: ${shown(steps, at)}`);
          }
        }
      }),
      { numRuns: 3, seed: SEED },
    );
    expect(flagged).toBeGreaterThan(80);
    expect(redundant).toBeGreaterThan(30);
  });
});
