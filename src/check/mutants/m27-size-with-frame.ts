import { EditScript, type Step } from "../../edit-script/index.ts";
import { EntryHistory, entriesOf, splitTables } from "./entry-history.ts";
import type { Mutant } from "./mutant.ts";

/**
 * Splits a leaf and moves some of its pages in the same store: the new table says something else than the old leaf, which
 * caches may still hold, so that two leaves of different size disagree about one page.
 */
export const M27: Mutant = {
  id: "M27",
  title: "changes size and frame of a leaf in one store",
  source: "VT-d, section on changes of page size: size and translation must not change at once",
  expected: "V09",
  scenario: "remap",
  // Either leaf is a legal answer during the change; that both may be used at once is for the checker.
  seenByThreads: false,
  rewrite(script, context) {
    const steps = [...script];
    const splits = splitTables(script, context);
    const { isPresent, isTable } = context.entries;
    const later = steps.filter(
      (step) =>
        (step.op === "store" || step.op === "storeRun" || step.op === "exchange") && splits.has(step.table),
    );
    const folded = new Set<Step>(later);
    if (folded.size === 0) return dropIntermediate(steps) ?? script;
    const out: Step[] = [];
    for (const step of steps) {
      if (folded.has(step)) continue;
      out.push(step);
      if (step.op !== "fill" && step.op !== "gather") continue;
      for (const late of later) {
        if (!("table" in late) || late.table !== step.table || !("update" in late)) continue;
        for (const { table, index, entry } of entriesOf(late)) {
          const count = step.op === "fill" ? step.count : step.entries.length;
          if (index < step.index || index >= step.index + count) continue;
          out.push({ op: "fill", update: step.update, table, index, count: 1, first: entry, stride: 0n });
        }
      }
    }
    return EditScript.from(out);

    /** Leaves out the table with the old frames where a whole new table follows it in the same slot. */
    function dropIntermediate(all: readonly Step[]): EditScript | null {
      const history = new EntryHistory(context);
      const before = new Map<number, Step>();
      const dropped = new Set<Step>();
      for (const step of all)
        for (const overwrite of history.apply(step)) {
          const slot = overwrite.table * 512 + overwrite.index;
          const isSplit =
            isPresent(overwrite.before) && !isTable(overwrite.before) && isTable(overwrite.after);
          const first = before.get(slot);
          if (isSplit && (step.op === "store" || step.op === "exchange")) before.set(slot, step);
          else if (first !== undefined && isPresent(overwrite.after) && isTable(overwrite.after))
            dropped.add(first);
        }
      return dropped.size > 0 ? EditScript.from(all.filter((step) => !dropped.has(step))) : null;
    }
  },
};
