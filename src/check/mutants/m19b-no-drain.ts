import { mapSteps } from "./map-steps.ts";
import type { Mutant } from "./mutant.ts";

/** Waits for the invalidation but not for accesses already translated: posted writes land in frames given back meanwhile. */
export const M19b: Mutant = {
  id: "M19b",
  title: "waits without draining accesses under way",
  source: "VT-d's drain bits DR/DW and RISC-V's PR/PW left clear",
  expected: "V06",
  scenario: "large-hole",
  seenByThreads: true,
  rewrite: (script) =>
    mapSteps(script, (step) => (step.op === "wait" && step.drain ? { ...step, drain: false } : step)),
};
