import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { check } from "../../src/check/index.ts";
import { CAPABILITIES } from "../../src/edit-script/index.ts";
import { memoryMap } from "../kernel-iommu/arbitrary-maps.ts";
import { plannedInputs } from "./planned-inputs.ts";

describe("scripts of the planner", () => {
  it.each([
    ["vtd-ss-48", 1],
    ["vtd-ss-39", 2],
    ["vtd-ss-48-cm", 1],
    ["vtd-ss-48-nc", 1],
    ["vtd-ss-48-ad", 1],
  ])("are clean on %s with %i domains in both memory modes", (name, count) => {
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
