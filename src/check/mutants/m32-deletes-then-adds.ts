import { EditScript, type Step } from "../../edit-script/index.ts";
import type { Pfn } from "../../units/index.ts";
import { entriesOf, isLiveStore, nextUpdateAfter } from "./entry-history.ts";
import type { Mutant } from "./mutant.ts";

/**
 * Deletes first and adds afterwards, without looking whether both maps say the same: every leaf beside a changed one
 * disappears and comes back as it was. What user space does today with one ioctl per range, inside one ioctl.
 */
export const M32: Mutant = {
  id: "M32",
  title: "deletes the kept leaves of a table and adds them again",
  source: "the naive way to build the call: QEMU's listener, moved into the kernel",
  expected: "V01",
  scenario: "split-rejoin",
  seenByThreads: true,
  rewrite(script, context) {
    const steps = [...script];
    const { isPresent, isTable } = context.entries;
    const filled = new Set<number>();
    const written = new Map<Pfn, Set<number>>();
    for (const step of steps) {
      if (step.op === "fill" || step.op === "gather") filled.add(step.table);
      if (!isLiveStore(step)) continue;
      for (const { table, index } of entriesOf(step))
        written.set(table, (written.get(table) ?? new Set()).add(index));
    }
    let update = nextUpdateAfter(steps);
    const clears: Step[] = [];
    const adds: Step[] = [];
    for (const [table, indices] of written) {
      if (filled.has(table)) continue;
      for (let index = 0; index < 512; index++) {
        const entry = context.entryAt(table, index);
        if (indices.has(index) || !isPresent(entry) || isTable(entry)) continue;
        clears.push({ op: "store", update: update++, table, index, entry: 0n });
        adds.push({ op: "store", update: update++, table, index, entry });
      }
    }
    if (clears.length === 0) return script;
    const at = steps.findIndex(isLiveStore);
    return EditScript.from([...steps.slice(0, at), ...clears, ...adds, ...steps.slice(at)]);
  },
};
