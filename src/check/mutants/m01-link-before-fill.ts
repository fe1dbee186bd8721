import { EditScript, type FillStep, type GatherStep, type Step } from "../../edit-script/index.ts";
import { entriesOf, nextUpdateAfter } from "./entry-history.ts";
import type { Mutant } from "./mutant.ts";

/**
 * Links the new table while it is still empty and fills it afterwards, as Xen's AMD code did when it shattered a
 * superpage: until the fill is done every page of the old leaf faults, those that both maps contain included.
 */
export const M01: Mutant = {
  id: "M01",
  title: "links an empty table, fills it afterwards",
  source: "Xen 2a758376f9, AMD/IOMMU: correct shattering of super pages",
  expected: "V01",
  scenario: "split-rejoin",
  seenByThreads: true,
  rewrite(script, context) {
    const steps = [...script];
    const linked = new Set<number>();
    for (const step of steps)
      if (step.op === "store" || step.op === "storeRun" || step.op === "exchange")
        for (const { entry } of entriesOf(step))
          if (context.entries.isPresent(entry) && context.entries.isTable(entry))
            linked.add(context.entries.pfnOf(entry));
    const late = new Map<number, (FillStep | GatherStep)[]>();
    for (const step of steps)
      if ((step.op === "fill" || step.op === "gather") && linked.has(step.table))
        late.set(step.table, [...(late.get(step.table) ?? []), step]);
    if (late.size === 0) return script;

    let update = nextUpdateAfter(steps);
    const out: Step[] = [];
    for (const step of steps) {
      if ((step.op === "fill" || step.op === "gather") && late.has(step.table)) {
        if (late.get(step.table)![0] === step)
          out.push({
            op: "fill",
            update: step.update,
            table: step.table,
            index: 0,
            count: 512,
            first: 0n,
            stride: 0n,
          });
        continue;
      }
      out.push(step);
      if (step.op !== "store" && step.op !== "storeRun" && step.op !== "exchange") continue;
      for (const { entry } of entriesOf(step)) {
        if (!context.entries.isPresent(entry) || !context.entries.isTable(entry)) continue;
        for (const fill of late.get(context.entries.pfnOf(entry)) ?? [])
          if (fill.op === "fill") out.push({ ...fill, op: "storeRun", update: update++ });
          else
            for (const { table, index, entry: leaf } of entriesOf(fill))
              if (leaf !== 0n) out.push({ op: "store", update: update++, table, index, entry: leaf });
      }
    }
    return EditScript.from(out);
  },
};
