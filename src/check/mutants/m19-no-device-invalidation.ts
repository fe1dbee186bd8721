import { CACHE_ATC } from "../../edit-script/index.ts";
import { mapSteps } from "./map-steps.ts";
import type { Mutant } from "./mutant.ts";

/** Invalidates the IOMMU's caches and forgets the cache in the device, which goes on using what it was told. */
export const M19: Mutant = {
  id: "M19",
  title: "does not invalidate the translations that devices hold themselves",
  source: "common rule of VT-d, SMMU and RISC-V for devices with ATS",
  expected: "V04",
  scenario: "large-rights",
  seenByThreads: true,
  rewrite: (script) =>
    mapSteps(script, (step) =>
      step.op === "invalidate" && (step.caches & CACHE_ATC) !== 0
        ? { ...step, caches: step.caches & ~CACHE_ATC }
        : step,
    ),
};
