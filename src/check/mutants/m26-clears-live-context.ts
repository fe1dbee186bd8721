import { EditScript, type Step } from "../../edit-script/index.ts";
import { pfn } from "../../units/index.ts";
import type { Mutant } from "./mutant.ts";

/**
 * Overwrites a live context entry word by word: takes the root out, then writes levels and tag, then the new root. Between
 * the first store and the last the entry is neither the old nor the new one.
 */
export const M26: Mutant = {
  id: "M26",
  title: "overwrites a live context entry word by word",
  source: "Linux, iommu/vt-d: Fix race condition during PASID entry replacement (2026)",
  expected: "V08",
  scenario: "boundary-2m",
  strategy: "epoch",
  // A device meets faults and cannot tell why; which stores are one update only the script says.
  seenByThreads: false,
  rewrite(script) {
    const out: Step[] = [];
    for (const step of script) {
      if (step.op === "setRoot") out.push({ ...step, root: pfn(0), tag: step.domain });
      out.push(step);
    }
    return out.length > script.steps ? EditScript.from(out) : script;
  },
};
