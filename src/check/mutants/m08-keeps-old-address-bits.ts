import { EditScript, type Step } from "../../edit-script/index.ts";
import { EntryHistory } from "./entry-history.ts";
import type { Mutant } from "./mutant.ts";

/** Address bits of the low half of an entry. */
const LOW_ADDRESS = 0xffff_f000n;

/** Puts the new address into a leaf without masking the old one out: the two are ORed and name memory of somebody else. */
export const M08: Mutant = {
  id: "M08",
  title: "ORs the new frame into the old one",
  source: "common; a missing mask in the update of one field",
  expected: "V02",
  scenario: "remap",
  // A live kernel finds the wrong frame in its tables when it takes the range back, and stops there.
  seenByThreads: false,
  rewrite(script, context) {
    const history = new EntryHistory(context);
    const { isPresent, isTable } = context.entries;
    const out: Step[] = [];
    let mixed = false;
    for (const step of script) {
      const overwrites = history.apply(step);
      const [one] = overwrites;
      if ((step.op !== "store" && step.op !== "exchange") || one === undefined) {
        out.push(step);
        continue;
      }
      const { before, after } = one;
      const isMove = isPresent(before) && isPresent(after) && !isTable(before) && !isTable(after);
      const entry = isMove ? after | (before & LOW_ADDRESS) : after;
      mixed ||= entry !== after;
      out.push({ ...step, entry });
    }
    return mixed ? EditScript.from(out) : script;
  },
};
