import { EditScript } from "../../edit-script/index.ts";
import type { CallMutant } from "./mutant.ts";

/**
 * Two calls find the same table ready to be merged, since neither locks the other out: both replace it, both free it. The
 * second freeing hits a page that may belong to somebody else by then.
 */
export const M37: CallMutant = {
  id: "M37",
  title: "lets two calls merge the same table at once",
  source: "Xen XSA-345 (75a05daf1d): two coalescers race, a freed table is written",
  expected: "V17",
  scenario: "two-callers",
  calls: { from: 1, to: [0, 3] },
  seenByThreads: false,
  rewriteCalls([first, second]) {
    const frees = new Set<number>();
    for (const step of first!.script) if (step.op === "freeTable") frees.add(step.table);
    const clash = [...second!.script].some((step) => step.op === "freeTable" && frees.has(step.table));
    if (!clash) return null;
    return {
      ...second!,
      script: EditScript.from([...first!.script, ...second!.script]),
      pinned: [...first!.pinned, ...second!.pinned],
    };
  },
};
