import { EditScript, type Step } from "../../edit-script/index.ts";
import { EntryHistory } from "./entry-history.ts";
import type { Mutant } from "./mutant.ts";

/**
 * Changes the rights of a live leaf field by field: clears them, then ORs the new ones in. Both stores belong to one
 * update, and between them the entry is neither the old nor the new one.
 */
export const M24: Mutant = {
  id: "M24",
  title: "clears the rights of a live entry, then sets the new ones",
  source: "Xen XSA-347 (3b055121c5, update live PTEs atomically), XSA-328",
  expected: "V08",
  scenario: "large-rights",
  // A device meets a fault and cannot tell why; which stores are one update only the script says.
  seenByThreads: false,
  rewrite(script, context) {
    const history = new EntryHistory(context);
    const { isPresent, isTable, pfnOf, rightsOf, withRights } = context.entries;
    const out: Step[] = [];
    let torn = false;
    for (const step of script) {
      const overwrites = history.apply(step);
      const [one] = overwrites;
      if (
        (step.op === "store" || step.op === "storeRun" || step.op === "exchange") &&
        one !== undefined &&
        isPresent(one.before) &&
        isPresent(one.after) &&
        !isTable(one.before) &&
        !isTable(one.after) &&
        pfnOf(one.before) === pfnOf(one.after) &&
        rightsOf(one.before) !== rightsOf(one.after)
      ) {
        const { update } = step;
        for (const { table, index, before, after } of overwrites) {
          out.push({ op: "store", update, table, index, entry: withRights(before, 0) });
          out.push({ op: "store", update, table, index, entry: after });
        }
        torn = true;
      } else out.push(step);
    }
    return torn ? EditScript.from(out) : script;
  },
};
