import { EditScript, type Step } from "../../edit-script/index.ts";
import { READ, WRITE } from "../../units/index.ts";
import { splitTables } from "./entry-history.ts";
import type { Mutant } from "./mutant.ts";

/** Splits a read-only leaf into children with all rights, as Xen did: memory that nobody may write can be written. */
export const M10: Mutant = {
  id: "M10",
  title: "splits a read-only leaf into writable ones",
  source: "Xen b8238afd07, do not increase permissions when splitting a superpage",
  expected: "V03",
  scenario: "read-only-hole",
  seenByThreads: true,
  rewrite(script, context) {
    const splits = splitTables(script, context);
    const { isPresent, isTable, rightsOf, withRights } = context.entries;
    const isReadOnly = (table: number): boolean => {
      const leaf = splits.get(table);
      return leaf !== undefined && (rightsOf(leaf) & WRITE) === 0;
    };
    const open = (entry: bigint): bigint =>
      isPresent(entry) && !isTable(entry) ? withRights(entry, READ | WRITE) : entry;
    const out: Step[] = [];
    let opened = false;
    for (const step of script) {
      if ((step.op !== "fill" && step.op !== "gather") || !isReadOnly(step.table)) out.push(step);
      else {
        if (step.op === "fill") out.push({ ...step, first: open(step.first) });
        else out.push({ ...step, entries: step.entries.map(open) });
        opened = true;
      }
    }
    return opened ? EditScript.from(out) : script;
  },
};
