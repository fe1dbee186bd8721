import { mapSteps } from "./map-steps.ts";
import type { Mutant } from "./mutant.ts";

/** Invalidates with the tag of another domain: the queue is served, the wait completes, and nothing was dropped. */
export const M15: Mutant = {
  id: "M15",
  title: "invalidates under the tag of another domain",
  source: "Xen c5c84e9766: flush with the wrong domain id; XSA-442",
  expected: "V04",
  scenario: "large-rights",
  seenByThreads: true,
  rewrite: (script) =>
    mapSteps(script, (step) => (step.op === "invalidate" ? { ...step, domain: step.domain + 1 } : step)),
};
