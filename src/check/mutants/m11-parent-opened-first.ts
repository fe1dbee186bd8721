import { EditScript, type Step } from "../../edit-script/index.ts";
import { READ, WRITE } from "../../units/index.ts";
import { entriesOf, isLiveStore, nextUpdateAfter, splitTables } from "./entry-history.ts";
import type { Mutant } from "./mutant.ts";

/**
 * Keeps the rights of a split read-only leaf in the table entry above writable children. To let one page be written it
 * opens that entry first and narrows the other children afterwards; meanwhile all of them can be written.
 */
export const M11: Mutant = {
  id: "M11",
  title: "opens the rights above a table before it narrows the leaves in it",
  source: "common where rights of all levels are ANDed (VT-d, AMD)",
  expected: "V03",
  scenario: "read-only-split",
  seenByThreads: true,
  rewrite(script, context) {
    const steps = [...script];
    const { isPresent, isTable, pfnOf, rightsOf, withRights } = context.entries;
    const splits = splitTables(script, context);
    const widened = new Set<number>();
    for (const step of steps)
      if (isLiveStore(step))
        for (const { table, entry } of entriesOf(step)) {
          const leaf = splits.get(table);
          if (leaf !== undefined && (rightsOf(entry) & ~rightsOf(leaf) & WRITE) !== 0) widened.add(table);
        }
    if (widened.size === 0) return script;

    let update = nextUpdateAfter(steps);
    const links = new Map<number, Step & { op: "store" }>();
    const narrowing = new Map<number, Step[]>();
    const spans: { start: number; end: number }[] = [];
    const out: Step[] = [];
    for (const step of steps) {
      if ((step.op === "fill" || step.op === "gather") && widened.has(step.table)) {
        const open = (entry: bigint): bigint => (isPresent(entry) ? withRights(entry, READ | WRITE) : entry);
        const late = narrowing.get(step.table) ?? [];
        narrowing.set(step.table, late);
        if (context.capability.hardwareDirty)
          for (const { table, index, entry } of entriesOf(step))
            late.push({ op: "exchange", update: update++, table, index, entry, expected: open(entry) });
        else if (step.op === "fill") late.push({ ...step, op: "storeRun", update: update++ });
        else
          for (const { table, index, entry } of entriesOf(step))
            late.push({ op: "store", update: update++, table, index, entry });
        out.push(
          step.op === "fill"
            ? { ...step, first: open(step.first) }
            : { ...step, entries: step.entries.map(open) },
        );
        continue;
      }
      if ((step.op === "store" || step.op === "exchange") && isPresent(step.entry) && isTable(step.entry)) {
        const child = pfnOf(step.entry);
        if (widened.has(child)) {
          const { table, index, entry } = step;
          links.set(child, { op: "store", update: step.update, table, index, entry });
          out.push({ ...step, entry: withRights(step.entry, rightsOf(splits.get(child)!)) });
          continue;
        }
      }
      if (
        (step.op === "store" || step.op === "storeRun" || step.op === "exchange") &&
        links.has(step.table)
      ) {
        const link = links.get(step.table)!;
        const place = context.placeOf(step.table);
        links.delete(step.table);
        out.push({ ...link, update: update++ }, ...narrowing.get(step.table)!);
        if (!context.capability.coherentWalk)
          out.push(
            { op: "clean", table: link.table, index: link.index, count: 1 },
            { op: "clean", table: step.table, index: 0, count: 512 },
          );
        if (place !== null) {
          const start: number = place.base;
          spans.push({ start, end: start + 512 ** (place.level + 1) });
        }
      }
      // Rights above a table are cached with the pointer to it.
      const span =
        step.op === "invalidate"
          ? spans.find((s) => s.start <= step.iovaPfn && step.iovaPfn < s.end)
          : undefined;
      if (step.op === "invalidate" && span !== undefined) {
        const iovaPfn = span.start as typeof step.iovaPfn;
        out.push({ ...step, scope: "nonLeaf", iovaPfn, pages: span.end - span.start });
      } else out.push(step);
    }
    return EditScript.from(out);
  },
};
