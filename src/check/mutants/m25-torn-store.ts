import { EditScript, type Step } from "../../edit-script/index.ts";
import { EntryHistory, isLiveStore } from "./entry-history.ts";
import type { Mutant } from "./mutant.ts";

const LOW = 0xffff_ffffn;

/**
 * Writes a 64-bit entry as two 32-bit halves, low half first: in between a walker reads an address nobody ever meant.
 * Each half is one store of the same logical update, so the entry is torn, not changed twice.
 */
export const M25: Mutant = {
  id: "M25",
  title: "writes an entry as two 32-bit halves",
  source: "FreeBSD r342769 (i386 PAE), Linux e4eed03fd065: a 64-bit entry handled as two halves",
  expected: "V08",
  scenario: "remap",
  seenByThreads: true,
  rewrite(script, context) {
    const history = new EntryHistory(context);
    const out: Step[] = [];
    let torn = false;
    for (const step of script) {
      const overwrites = history.apply(step);
      if (!isLiveStore(step) || step.op === "setRoot" || !("update" in step)) {
        out.push(step);
        continue;
      }
      for (const { table, index, before, after } of overwrites) {
        const half = (before & ~LOW) | (after & LOW);
        if (half !== before && half !== after) {
          out.push({ op: "store", update: step.update, table, index, entry: half });
          torn = true;
        }
        out.push({ op: "store", update: step.update, table, index, entry: after });
      }
    }
    return torn ? EditScript.from(out) : script;
  },
};
