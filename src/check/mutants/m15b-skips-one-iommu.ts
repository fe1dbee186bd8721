import { mapSteps } from "./map-steps.ts";
import type { Mutant } from "./mutant.ts";

/** Serves the queue of the first IOMMU a domain is attached to, and forgets that there is another. */
export const M15b: Mutant = {
  id: "M15b",
  title: "invalidates in one of two IOMMUs only",
  source: "Xen c5c84e9766: flush of one of the IOMMUs a domain is behind",
  expected: "V04",
  scenario: "large-rights",
  iommus: 2,
  seenByThreads: false,
  rewrite: (script) => {
    let first: number | null = null;
    return mapSteps(script, (step) => {
      if (step.op !== "invalidate") return step;
      first ??= step.domain;
      return step.domain === first ? step : null;
    });
  },
};
