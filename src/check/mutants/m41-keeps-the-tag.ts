import { mapSteps } from "./map-steps.ts";
import type { Mutant } from "./mutant.ts";

/**
 * Switches the root and keeps the tag: a device that has walked the new tables for one page goes on using what it has cached
 * of the old ones for another.
 */
export const M41: Mutant = {
  id: "M41",
  title:
    "switches the root but not the tag, so that a device sees the new map here and then the old one there",
  source: "design",
  expected: "V11",
  scenario: "replace-all",
  strategy: "epoch",
  seenByThreads: true,
  rewrite: (script) =>
    mapSteps(script, (step) => (step.op === "setRoot" ? { ...step, tag: step.domain } : step)),
};
