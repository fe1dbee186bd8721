import { EditScript, type Step } from "../../edit-script/index.ts";
import { EntryHistory, nextUpdateAfter } from "./entry-history.ts";
import type { Mutant } from "./mutant.ts";

/**
 * Clears a large leaf before it writes the table pointer (or the table pointer before the large leaf): break-before-make
 * on hardware that does not need it. Pages that both maps contain fault in between.
 */
export const M02: Mutant = {
  id: "M02",
  title: "clears the old entry, then writes the new one, when a leaf changes size",
  source: "common; the habit of hardware that must break before it makes",
  expected: "V01",
  scenario: "split-rejoin",
  seenByThreads: true,
  rewrite(script, context) {
    const steps = [...script];
    const history = new EntryHistory(context);
    const { isPresent, isTable } = context.entries;
    let update = nextUpdateAfter(steps);
    let cleared = false;
    const out: Step[] = [];
    for (const step of steps) {
      for (const { table, index, before, after } of history.apply(step)) {
        if (!isPresent(before) || !isPresent(after) || isTable(before) === isTable(after)) continue;
        out.push({ op: "store", update: update++, table, index, entry: 0n });
        cleared = true;
      }
      out.push(step);
    }
    return cleared ? EditScript.from(out) : script;
  },
};
