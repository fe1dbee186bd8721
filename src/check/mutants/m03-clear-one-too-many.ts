import { EditScript, type Step } from "../../edit-script/index.ts";
import { EntryHistory, entriesOf, isLiveStore, nextUpdateAfter } from "./entry-history.ts";
import type { Mutant } from "./mutant.ts";

/**
 * Clears one entry more than the range has and puts it back: Linux once freed page-table entries beyond an unaligned
 * range when it made room for a superpage. The page behind the range is kept by both maps and faults in between.
 */
export const M03: Mutant = {
  id: "M03",
  title: "clears one entry past the range and sets it again",
  source: "Linux dce043c07ca1, iommu/vt-d: Fix __domain_mapping()'s usage of switch_to_super_page()",
  expected: "V01",
  scenario: "split-rejoin",
  seenByThreads: true,
  rewrite(script, context) {
    const steps = [...script];
    const { isPresent, isTable } = context.entries;
    const written = new Set<number>();
    for (const step of steps)
      for (const { table, index } of entriesOf(step)) written.add(table * 512 + index);
    const history = new EntryHistory(context);
    let update = nextUpdateAfter(steps);
    let over = false;
    const out: Step[] = [];
    for (const step of steps) {
      const last = history.apply(step).at(-1);
      out.push(step);
      if (!isLiveStore(step) || last === undefined || last.index === 511) continue;
      if (!isPresent(last.before) || isTable(last.before) || isPresent(last.after)) continue;
      const { table } = last;
      const index = last.index + 1;
      const kept = history.entry(table, index);
      if (written.has(table * 512 + index) || !isPresent(kept) || isTable(kept)) continue;
      out.push({ op: "store", update: update++, table, index, entry: 0n });
      out.push({ op: "store", update: update++, table, index, entry: kept });
      over = true;
    }
    return over ? EditScript.from(out) : script;
  },
};
