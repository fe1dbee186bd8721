import { EditScript, type Step } from "../../edit-script/index.ts";
import { splitTables } from "./entry-history.ts";
import type { Mutant } from "./mutant.ts";

/** Splits a leaf and gives the last child of a run the frame after its own: one page reaches its neighbour's memory. */
export const M05: Mutant = {
  id: "M05",
  title: "gives one child of a split leaf the next frame",
  source: "common; a loop that adds the stride once too often",
  expected: "V02",
  scenario: "split-rejoin",
  seenByThreads: true,
  rewrite(script, context) {
    const splits = splitTables(script, context);
    const { isPresent, isTable } = context.entries;
    const done = new Set<number>();
    const out: Step[] = [];
    for (const step of script) {
      if (
        step.op !== "fill" ||
        step.count < 2 ||
        step.stride === 0n ||
        !splits.has(step.table) ||
        done.has(step.table) ||
        !isPresent(step.first) ||
        isTable(step.first)
      ) {
        out.push(step);
        continue;
      }
      done.add(step.table);
      out.push({ ...step, count: step.count - 1 });
      out.push({
        ...step,
        index: step.index + step.count - 1,
        count: 1,
        first: step.first + BigInt(step.count) * step.stride,
        stride: 0n,
      });
    }
    return done.size > 0 ? EditScript.from(out) : script;
  },
};
