import type { Pfn } from "../../units/index.ts";
import { buildSlot, emitEntries, fillEntries } from "./build-aside.ts";
import type { Domain } from "./domain.ts";
import { ABSENT, type Entry, marked } from "./format.ts";
import { leafKeeps, outlook } from "./outlook.ts";
import { type PlanContext, PlanFailure } from "./plan-context.ts";
import type { RootSwitches } from "./root-switches.ts";

/**
 * Plans the change of a domain as one switch of its root.
 *
 * The new tree is a copy of the old one along the paths to what changes; subtrees without a change hang in both trees. No
 * walker can reach the copies before the switch, so leaves split, merge, move and go in the copies directly. The tree that
 * results is the one that edits in place lead to. Where no entry would change, nothing is planned.
 *
 * Throws PlanFailure when there is no table or no tag.
 */
export function planSwitch(plan: PlanContext<RootSwitches>, domain: Domain): void {
  const update = plan.change.newUpdate();
  const root = copyTable(plan, update, domain.levels - 1, domain.root, 0, 0, plan.runs.count);
  if (root !== domain.root && !plan.change.add(update, domain, root)) throw new PlanFailure("no-tags");
}

/** A copy of a table and of what changes below it, in which the runs [from, to) hold; the table itself if it does. */
function copyTable(
  plan: PlanContext,
  update: number,
  level: number,
  table: Pfn,
  base: number,
  from: number,
  to: number,
): Pfn {
  const { runs } = plan;
  const span = plan.span(level);
  const end = base + 512 * span;
  const first = Math.max(0, Math.floor((runs.starts[from]! - base) / span));
  const last = Math.min(511, Math.floor((Math.min(runs.ends[to - 1]!, end) - 1 - base) / span));
  const words = plan.engine.readTable(table).slice();
  markLeaves(plan, level, words);
  let differs = false;
  for (let index = first; index <= last; index++) {
    const start = base + index * span;
    const a = runs.firstEndingAfter(start, from, to);
    const b = runs.firstStartingAt(start + span, a, to);
    if (a === b) continue;
    const old: Entry = { lo: words[2 * index]!, hi: words[2 * index + 1]! };
    const next = nextEntry(plan, update, level, start, old, a, b);
    if (next.lo === old.lo && next.hi === old.hi) continue;
    words[2 * index] = next.lo;
    words[2 * index + 1] = next.hi;
    differs = true;
  }
  if (!differs) return table;
  plan.change.retired.add(table);
  const copy = plan.alloc(level, base);
  emitEntries(plan, update, copy, words);
  return copy;
}

/**
 * Walks under the old root go on setting A and D in the table that is copied, where nobody looks after the switch: in the
 * copy they are set from the start.
 */
function markLeaves({ format, hardwareBits }: PlanContext, level: number, words: Uint32Array): void {
  if (hardwareBits === 0) return;
  for (let at = 0; at < 1024; at += 2)
    if (format.isPresent(words[at]!, words[at + 1]!) && !format.isTable(level, words[at]!, words[at + 1]!))
      words[at]! |= hardwareBits;
}

/** Entry of the new tree for a slot that the runs [from, to) touch; the old one where it says the same. */
function nextEntry(
  plan: PlanContext,
  update: number,
  level: number,
  start: number,
  old: Entry,
  from: number,
  to: number,
): Entry {
  const { format } = plan;
  if (!format.isPresent(old.lo, old.hi)) return buildSlot(plan, update, level, start, from, to, 0);
  if (!format.isTable(level, old.lo, old.hi)) return nextOfLeaf(plan, update, level, start, old, from, to);
  const child = format.pfnOf(old.lo, old.hi);
  const next = outlook(plan, level, start, old.lo, old.hi, from, to);
  if (next.kind === "mixed") {
    const copy = copyTable(plan, update, level - 1, child, start, from, to);
    return copy === child ? old : format.table(copy);
  }
  plan.retire(child);
  if (next.kind === "absent") return ABSENT;
  plan.counts.leavesStored++;
  plan.counts.merged++;
  return marked(format.leaf(level, next.frame, next.rights), plan.hardwareBits);
}

/** The same for a slot that holds a leaf. */
function nextOfLeaf(
  plan: PlanContext,
  update: number,
  level: number,
  start: number,
  old: Entry,
  from: number,
  to: number,
): Entry {
  const { format, runs } = plan;
  const frame = format.pfnOf(old.lo, old.hi);
  const rights = format.rightsOf(old.lo, old.hi);
  if (leafKeeps(plan, start, frame, rights, from, to)) return old;
  if (runs.covers(start, start + plan.span(level), from, to))
    return buildSlot(plan, update, level, start, from, to, plan.hardwareBits);
  const childLevel = level - 1;
  const childSpan = plan.span(childLevel);
  plan.counts.split++;
  const table = plan.alloc(childLevel, start);
  fillEntries(plan, update, table, (index) => {
    const childStart = start + index * childSpan;
    const leaf = marked(
      format.leaf(childLevel, (frame + index * childSpan) as Pfn, rights),
      plan.hardwareBits,
    );
    const a = runs.firstEndingAfter(childStart, from, to);
    const b = runs.firstStartingAt(childStart + childSpan, a, to);
    return a === b ? leaf : nextOfLeaf(plan, update, childLevel, childStart, leaf, a, b);
  });
  return format.table(table);
}
