import { EditScript, type Step } from "../../edit-script/index.ts";
import { EntryHistory } from "./entry-history.ts";
import type { Mutant } from "./mutant.ts";

/**
 * Stores a large leaf whose frame is not a multiple of its size. Hardware finds reserved bits set, or drops them and
 * reaches other memory than was meant.
 */
export const M40: Mutant = {
  id: "M40",
  title: "stores a large leaf with an unaligned frame",
  source: "in the manner of Xen XSA-445: entries made for another level than they stand at",
  expected: "V13",
  scenario: "remap",
  // Devices report what came of it, a fault or a foreign frame, not that an entry is malformed.
  seenByThreads: false,
  rewrite(script, context) {
    const history = new EntryHistory(context);
    const { isPresent, isTable, pfnOf, rightsOf, leaf } = context.entries;
    const out: Step[] = [];
    let unaligned = false;
    for (const step of script) {
      const [one] = history.apply(step);
      const level = one === undefined ? 0 : (context.placeOf(one.table)?.level ?? 0);
      if (step.op === "store" && level > 0 && isPresent(step.entry) && !isTable(step.entry)) {
        const frame = pfnOf(step.entry);
        const shifted = (frame + 1) as typeof frame;
        out.push({ ...step, entry: leaf(level, shifted, rightsOf(step.entry)) });
        unaligned = true;
      } else out.push(step);
    }
    return unaligned ? EditScript.from(out) : script;
  },
};
