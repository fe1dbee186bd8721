import { EditScript, type Step } from "../../edit-script/index.ts";
import type { Mutant } from "./mutant.ts";

/**
 * Publishes the root and what belongs to it as two values: for a moment accesses walk the new tables under the old tag, and
 * meet what is cached of the old ones. Where the number of levels changes too, they would walk too deep or not deep enough.
 */
export const M36: Mutant = {
  id: "M36",
  title: "publishes the root and its tag and levels as two values",
  source: "Linux CVE-2025-39961, iommu/amd/pgtbl: Fix possible race while increase page table level",
  expected: "V16",
  scenario: "boundary-2m",
  strategy: "epoch",
  // Old root or new, each device finds whole tables: only the script shows the mixture.
  seenByThreads: false,
  rewrite(script) {
    const out: Step[] = [];
    for (const step of script) {
      if (step.op === "setRoot") out.push({ ...step, tag: step.domain });
      out.push(step);
    }
    return out.length > script.steps ? EditScript.from(out) : script;
  },
};
