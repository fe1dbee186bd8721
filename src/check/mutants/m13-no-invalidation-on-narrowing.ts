import { EditScript, type Step } from "../../edit-script/index.ts";
import { EntryHistory } from "./entry-history.ts";
import type { Mutant } from "./mutant.ts";

/**
 * Takes rights away from a leaf and forgets the invalidation, because the frame stays the same: a device that cached the
 * leaf goes on writing to memory that is read-only now, after the call has returned.
 */
export const M13: Mutant = {
  id: "M13",
  title: "does not invalidate when only rights are taken away",
  source:
    "Xen XSA-275 (1a7ffe466c, fix flush checks); early KVM, Flush remote tlbs when reducing permissions",
  expected: "V04",
  scenario: "large-rights",
  seenByThreads: true,
  rewrite(script, context) {
    const history = new EntryHistory(context);
    const { isPresent, isTable, pfnOf, rightsOf } = context.entries;
    const out: Step[] = [];
    let narrowed = false;
    let forgotten = false;
    for (const step of script) {
      for (const { before, after } of history.apply(step))
        narrowed ||=
          isPresent(before) &&
          isPresent(after) &&
          !isTable(before) &&
          !isTable(after) &&
          pfnOf(before) === pfnOf(after) &&
          (rightsOf(before) & ~rightsOf(after)) !== 0;
      if (step.op === "wait") narrowed = false;
      if (step.op === "invalidate" && step.scope === "leaf" && narrowed) forgotten = true;
      else out.push(step);
    }
    return forgotten ? EditScript.from(out) : script;
  },
};
