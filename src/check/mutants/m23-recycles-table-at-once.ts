import { EditScript, type Step } from "../../edit-script/index.ts";
import { isLiveStore, nextUpdateAfter } from "./entry-history.ts";
import type { Mutant } from "./mutant.ts";

/**
 * Frees a detached table before anybody was told and uses the page again at once: walkers that still hold a pointer to it
 * read the new owner's data as entries, and where hardware sets accessed and dirty bits they write into it.
 */
export const M23: Mutant = {
  id: "M23",
  title: "reuses the page of a detached table before the invalidation",
  source: "Linux e37d5a2d60a3, CVE-2025-71202: freed kernel page tables still walked",
  expected: "V07",
  scenario: "split-rejoin",
  seenByThreads: true,
  rewrite(script) {
    const steps = [...script];
    const frees = steps.filter((step) => step.op === "freeTable");
    const lastStore = steps.findLastIndex(isLiveStore);
    if (frees.length === 0 || lastStore < 0) return script;
    let update = nextUpdateAfter(steps);
    const early = new Set<Step>(frees);
    const recycled = frees.flatMap(({ table }): Step[] => [
      { op: "freeTable", table },
      { op: "fill", update: update++, table, index: 0, count: 512, first: 0n, stride: 0n },
    ]);
    const rest = steps.slice(lastStore + 1).filter((step) => !early.has(step));
    return EditScript.from([...steps.slice(0, lastStore + 1), ...recycled, ...rest]);
  },
};
