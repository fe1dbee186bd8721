import { EditScript, type Step } from "../../edit-script/index.ts";
import { EntryHistory, isLiveStore, nextUpdateAfter } from "./entry-history.ts";
import type { Mutant } from "./mutant.ts";

/**
 * Moves a leaf to its new frame first and takes the rights away in a second step. In between the new frame can be
 * written, which neither the old map nor the new one allows anybody. (The reverse order is legal.)
 */
export const M07: Mutant = {
  id: "M07",
  title: "changes the frame first and narrows the rights afterwards",
  source: "common; rights kept in an upper level and narrowed there after the leaf",
  expected: "V03",
  scenario: "move-and-protect",
  seenByThreads: true,
  rewrite(script, context) {
    const steps = [...script];
    const history = new EntryHistory(context);
    const { isPresent, isTable, pfnOf, rightsOf, withRights } = context.entries;
    let update = nextUpdateAfter(steps);
    let mixed = false;
    const out: Step[] = [];
    for (const step of steps) {
      const overwrites = history.apply(step);
      if (isLiveStore(step))
        for (const { table, index, before, after } of overwrites) {
          if (!isPresent(before) || !isPresent(after) || isTable(before) || isTable(after)) continue;
          const lost = rightsOf(before) & ~rightsOf(after);
          if (lost === 0 || pfnOf(before) === pfnOf(after)) continue;
          const entry = withRights(after, rightsOf(after) | lost);
          out.push({ op: "store", update: update++, table, index, entry });
          mixed = true;
        }
      out.push(step);
    }
    return mixed ? EditScript.from(out) : script;
  },
};
