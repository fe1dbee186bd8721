import { EditScript, type Step } from "../../edit-script/index.ts";
import { EntryHistory } from "./entry-history.ts";
import type { Mutant } from "./mutant.ts";

/** Compares old and new map and loses the last page of what is new: after the call a page of the new map faults. */
export const M20b: Mutant = {
  id: "M20b",
  title: "forgets the last page of an added range",
  source: "common; a range cut into fragments, the last of them dropped",
  expected: "V05",
  scenario: "split-rejoin",
  seenByThreads: true,
  rewrite(script, context) {
    const steps = [...script];
    const history = new EntryHistory(context);
    const { isPresent, isTable } = context.entries;
    let tail = -1;
    steps.forEach((step, at) => {
      const last = history.apply(step).at(-1);
      if (last !== undefined && !isPresent(last.before) && isPresent(last.after) && !isTable(last.after))
        tail = at;
    });
    if (tail < 0) return script;
    const step = steps[tail]!;
    const shorter: Step[] =
      step.op === "storeRun" && step.count > 1 ? [{ ...step, count: step.count - 1 }] : [];
    return EditScript.from([...steps.slice(0, tail), ...shorter, ...steps.slice(tail + 1)]);
  },
};
