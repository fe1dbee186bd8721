import type { Step } from "../../edit-script/index.ts";
import { mapSteps } from "./map-steps.ts";
import type { Mutant } from "./mutant.ts";

/**
 * Writes every entry with A = D = 0. The children of a split get the bits of the old leaf by the exchange nevertheless; the
 * leaf of a merge gets none, and what the small leaves say goes with their table.
 */
export const M29: Mutant = {
  id: "M29",
  title: "does not carry the dirty bit over a split or a merge",
  source: "common",
  expected: "V10",
  scenario: "split-rejoin",
  format: "vtd-ss-48-ad",
  // No device looks at dirty bits.
  seenByThreads: false,
  equivalent: ({ hardwareDirty }) =>
    hardwareDirty ? null : "walkers of this hardware set no bits in entries, so none can be lost",
  rewrite(script, { capability: { walkerBits } }) {
    const clean = (entry: bigint): bigint => entry & ~walkerBits;
    return mapSteps(script, (step): Step => {
      switch (step.op) {
        case "fill":
        case "storeRun":
          return step.first & walkerBits ? { ...step, first: clean(step.first) } : step;
        case "gather":
          return step.entries.some((entry) => entry & walkerBits)
            ? { ...step, entries: step.entries.map(clean) }
            : step;
        case "store":
        case "exchange":
          return step.entry & walkerBits ? { ...step, entry: clean(step.entry) } : step;
        default:
          return step;
      }
    });
  },
};
