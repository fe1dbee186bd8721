import { EditScript, type Step } from "../../edit-script/index.ts";
import { EntryHistory } from "./entry-history.ts";
import type { Mutant } from "./mutant.ts";

/**
 * Takes a table away and tells the hardware that only leaves changed: the walk cache keeps its pointer to the table, which
 * is freed and becomes something else.
 */
export const M22: Mutant = {
  id: "M22",
  title: "invalidates leaves only although a table was removed",
  source: "Linux 38c527aeb419, iommu/vt-d: Force to flush iotlb before creating superpage",
  expected: "V07",
  scenario: "split-rejoin",
  seenByThreads: true,
  rewrite(script, context) {
    const history = new EntryHistory(context);
    const { isPresent, isTable } = context.entries;
    const out: Step[] = [];
    let removed = false;
    let narrowed = false;
    for (const step of script) {
      for (const { before } of history.apply(step)) removed ||= isPresent(before) && isTable(before);
      if (step.op === "invalidate" && step.scope === "nonLeaf" && removed) {
        out.push({ ...step, scope: "leaf" });
        narrowed = true;
      } else out.push(step);
      if (step.op === "wait") removed = false;
    }
    return narrowed ? EditScript.from(out) : script;
  },
};
