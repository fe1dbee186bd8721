import { mapSteps } from "./map-steps.ts";
import type { Mutant } from "./mutant.ts";

/** Reads a leaf and replaces it by a plain store: what a walker has set in it between the two is gone. */
export const M28: Mutant = {
  id: "M28",
  title: "reads an entry and replaces it with a plain store",
  source: "KVM ba3a6120a4e7, Use atomic XCHG to write TDP MMU SPTEs with volatile bits",
  expected: "V10",
  scenario: "split-rejoin",
  format: "vtd-ss-48-ad",
  // No device looks at dirty bits.
  seenByThreads: false,
  equivalent: ({ hardwareDirty }) =>
    hardwareDirty ? null : "walkers of this hardware set no bits in entries, so none can be lost",
  rewrite: (script) =>
    mapSteps(script, (step) => {
      if (step.op !== "exchange") return step;
      const { update, table, index, entry } = step;
      return { op: "store", update, table, index, entry };
    }),
};
