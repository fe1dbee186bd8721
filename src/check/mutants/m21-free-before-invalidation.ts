import { EditScript, type Step } from "../../edit-script/index.ts";
import { isLiveStore } from "./entry-history.ts";
import type { Mutant } from "./mutant.ts";

/**
 * Frees a table as soon as it is unlinked: walkers whose walk cache still points there go on reading a page that has
 * become something else.
 */
export const M21: Mutant = {
  id: "M21",
  title: "frees a detached table before the invalidation is complete",
  source: "Linux ea8ea460c9ac, iommu/vt-d: Clean up and fix page table clear/free behaviour",
  expected: "V07",
  scenario: "split-rejoin",
  seenByThreads: true,
  rewrite(script) {
    const steps = [...script];
    const frees = steps.filter((step) => step.op === "freeTable");
    const lastStore = steps.findLastIndex(isLiveStore);
    if (frees.length === 0 || lastStore < 0) return script;
    const early = new Set<Step>(frees);
    const rest = steps.slice(lastStore + 1).filter((step) => !early.has(step));
    return EditScript.from([...steps.slice(0, lastStore + 1), ...frees, ...rest]);
  },
};
