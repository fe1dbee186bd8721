import { mapSteps } from "./map-steps.ts";
import type { Mutant } from "./mutant.ts";

/**
 * Reports which pages are dirty and clears their bits, but leaves the caches alone: a cached leaf with D = 1 goes on being
 * written through, and the next report knows nothing of it.
 */
export const M30: Mutant = {
  id: "M30",
  title: "clears dirty bits without an invalidation before the next report",
  source: "common",
  expected: "V10",
  scenario: "large-rights",
  format: "vtd-ss-48-ad",
  reports: true,
  // No device looks at dirty bits.
  seenByThreads: false,
  equivalent: ({ hardwareDirty }) =>
    hardwareDirty ? null : "walkers of this hardware set no bits in entries, so none can be lost",
  rewrite(script) {
    const collects = [...script].some((step) => step.op === "collect");
    return collects ? mapSteps(script, (step) => (step.op === "invalidate" ? null : step)) : script;
  },
};
