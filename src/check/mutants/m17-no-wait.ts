import { mapSteps } from "./map-steps.ts";
import type { Mutant } from "./mutant.ts";

/** Posts the invalidation and returns without waiting, as if an older completion were the one of this request. */
export const M17: Mutant = {
  id: "M17",
  title: "does not wait for its invalidations",
  source: "Xen XSA-373 (7c893abc4e): the timeout of an older flush taken for the completion of a newer one",
  expected: "V04",
  scenario: "large-rights",
  seenByThreads: true,
  rewrite: (script) => mapSteps(script, (step) => (step.op === "wait" ? null : step)),
};
