import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { check } from "../../src/check/index.ts";
import { CAPABILITIES } from "../../src/edit-script/index.ts";
import { memoryMap } from "../kernel-iommu/arbitrary-maps.ts";
import { PLANNED_ON, plannedInputs } from "./planned-inputs.ts";

describe("scripts of the planner", () => {
  it.each(PLANNED_ON)("are clean on %s with %i domains in both memory modes", (name, count) => {
    const capability = CAPABILITIES.get(name)!;
    let scripts = 0;
    fc.assert(
      fc.property(fc.array(memoryMap, { minLength: 3, maxLength: 6 }), (maps) => {
        for (const input of plannedInputs(maps, capability, count)) {
          for (const mode of ["strong", "weak"] as const) {
            const { findings } = check(input, { mode });
            if (findings.length > 0)
              expect.fail(
                findings.map((f) => `${mode} ${f.class} ${f.cause} ${f.page}+${f.pages} ${f.met}`).join("\n"),
              );
          }
          scripts++;
        }
      }),
      { numRuns: 8 },
    );
    expect(scripts).toBeGreaterThan(24);
  });
});
