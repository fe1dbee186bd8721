import { mapSteps } from "./map-steps.ts";
import type { Mutant } from "./mutant.ts";

/** Posts invalidations to two queues and takes the wait of the first for that of both. */
export const M17b: Mutant = {
  id: "M17b",
  title: "waits for one of two IOMMUs",
  source: "common; XSA-373 for a completion that is not of this request",
  expected: "V04",
  scenario: "large-rights",
  iommus: 2,
  seenByThreads: false,
  rewrite: (script) => mapSteps(script, (step) => (step.op === "wait" ? { ...step, iommu: 0 } : step)),
};
