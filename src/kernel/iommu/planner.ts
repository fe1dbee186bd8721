import type { Pfn } from "../../units/index.ts";
import { buildIdentical, buildInShapeOf, buildSlot, fillEntries } from "./build-aside.ts";
import { ABSENT, type Entry, marked } from "./format.ts";
import { leafKeeps, outlook, sameShape, translatesAnything } from "./outlook.ts";
import type { Phase, Phases } from "./phases.ts";
import { readEntries } from "./physical-runs.ts";
import { type PlanContext, PlanFailure } from "./plan-context.ts";

/**
 * The planner: the only place that decides what happens to page tables. It reads live tables and emits steps; it writes
 * nothing a walker can reach.
 *
 * A slot (one entry of a reachable table) passes through at most three values, one live store each:
 *
 *     split   a leaf becomes a table of smaller leaves with the same translation
 *     edit    leaves get their new translation, subtrees are linked or detached
 *     merge   a table whose leaves now agree becomes one leaf
 *
 * so that no store changes the size of a leaf together with its frame or rights, and a page that both maps translate
 * alike is never touched by more than a change of leaf size.
 *
 * Where walkers set A and D by themselves no such bit may be lost: leaves walkers can reach are exchanged, a split hands on
 * what it has read, and a leaf that replaces smaller ones begins with both bits set (see build-aside.ts).
 */
export function planTable(
  plan: PlanContext<Phases>,
  level: number,
  table: Pfn,
  base: number,
  from: number,
  to: number,
  merge = plan.merge,
): void {
  const { runs } = plan;
  const span = plan.span(level);
  const end = base + 512 * span;
  const first = Math.max(0, Math.floor((runs.starts[from]! - base) / span));
  const last = Math.min(511, Math.floor((Math.min(runs.ends[to - 1]!, end) - 1 - base) / span));
  const words = readEntries(plan.engine, table, first, last + 1);
  for (let index = first; index <= last; index++) {
    const start = base + index * span;
    const a = runs.firstEndingAfter(start, from, to);
    const b = runs.firstStartingAt(start + span, a, to);
    if (a === b) continue;
    const at = 2 * (index - first);
    planSlot(plan, level, table, index, start, words[at]!, words[at + 1]!, a, b, merge);
  }
}

/** Plans one slot of a reachable table. */
function planSlot(
  plan: PlanContext<Phases>,
  level: number,
  table: Pfn,
  index: number,
  start: number,
  lo: number,
  hi: number,
  from: number,
  to: number,
  merge: boolean,
): void {
  const { format } = plan;
  const slot: Slot = { level, table, index, start };
  if (!format.isPresent(lo, hi)) {
    const update = plan.change.newUpdate();
    const entry = buildSlot(plan, update, level, start, from, to, 0);
    if (entry !== ABSENT) edit(plan, slot, update, ABSENT, entry);
  } else if (format.isTable(level, lo, hi)) planTableSlot(plan, slot, { lo, hi }, from, to, merge);
  else {
    const { first, last, update } = planLeaf(plan, level, start, { lo, hi }, from, to, false);
    if (first.lo !== lo || first.hi !== hi) {
      plan.counts.split++;
      put(plan, plan.change.split, slot, update, { lo, hi }, first);
      plan.change.split.invalidations.add(plan.tag, true, start, start + plan.span(level));
    }
    if (last !== first) edit(plan, slot, update, first, last);
  }
}

interface Slot {
  readonly level: number;
  readonly table: Pfn;
  readonly index: number;
  readonly start: number;
}

/** Emits one live write: an exchange where walkers may set bits in the old entry meanwhile. */
function put(
  plan: PlanContext<Phases>,
  phase: Phase,
  { level, table, index }: Slot,
  update: number,
  old: Entry,
  next: Entry,
): void {
  const { format } = plan;
  const isLeaf = format.isPresent(old.lo, old.hi) && !format.isTable(level, old.lo, old.hi);
  if (isLeaf && plan.capability.hardwareDirty) phase.exchange(update, table, index, old, next);
  else phase.store(update, table, index, next);
}

/** Emits the live store of the edit phase that takes a slot from one entry to another. */
function edit(plan: PlanContext<Phases>, slot: Slot, update: number, old: Entry, next: Entry): void {
  const { format, change: phases, capability } = plan;
  const was = format.isPresent(old.lo, old.hi);
  const is = format.isPresent(next.lo, next.hi);
  const wasTable = was && format.isTable(slot.level, old.lo, old.hi);
  const isTable = is && format.isTable(slot.level, next.lo, next.hi);
  if (was && is && !wasTable && !isTable) {
    const frameChanges = format.pfnOf(old.lo, old.hi) !== format.pfnOf(next.lo, next.hi);
    const allowed = frameChanges ? capability.swapInPlace.frame : capability.swapInPlace.rights;
    if (!allowed) throw new PlanFailure("needs-break");
  }
  if (!wasTable && !isTable) plan.counts.leavesStored++;
  put(plan, phases.edit, slot, update, old, next);
  if (was || capability.cachesNotPresent)
    phases.edit.invalidations.add(
      plan.tag,
      wasTable || isTable,
      slot.start,
      slot.start + plan.span(slot.level),
    );
}

/** Plans a slot that holds a table. */
function planTableSlot(
  plan: PlanContext<Phases>,
  slot: Slot,
  old: Entry,
  from: number,
  to: number,
  merge: boolean,
): void {
  const { format, change: phases, runs } = plan;
  const { level, start } = slot;
  const child = format.pfnOf(old.lo, old.hi);
  const next = outlook(plan, level, start, old.lo, old.hi, from, to);
  const covered = runs.covers(start, start + plan.span(level), from, to);
  if (next.kind === "absent") {
    plan.retire(child);
    edit(plan, slot, phases.newUpdate(), old, ABSENT);
    return;
  }
  if (covered && !translatesAnything(plan, level - 1, child)) {
    const update = phases.newUpdate();
    plan.retire(child);
    edit(plan, slot, update, old, buildSlot(plan, update, level, start, from, to, 0));
    return;
  }
  if (next.kind === "leaf" && (covered || merge)) {
    if (plan.capability.resizeInPlace === "never") throw new PlanFailure("needs-break");
    const leaf = marked(format.leaf(level, next.frame, next.rights), plan.hardwareBits);
    if (!next.replacesPresent) {
      // Only absent pages change, so this one store resizes the others without touching their translation.
      plan.retire(child);
      plan.counts.leavesStored++;
      plan.counts.merged++;
      edit(plan, slot, phases.newUpdate(), old, leaf);
      return;
    }
    const builtBefore = plan.built.length;
    if (covered) {
      const update = phases.newUpdate();
      const reshaped = buildInShapeOf(plan, update, level, start, child, next.frame, next.rights);
      edit(plan, slot, update, old, reshaped);
      if (!merge) {
        // A larger leaf above takes this table's place in the merge phase anyway.
        plan.retire(child);
        return;
      }
    } else planTable(plan, level - 1, child, start, from, to, false);
    plan.retire(child);
    for (let i = builtBefore; i < plan.built.length; i++) phases.retired.add(plan.built[i]!);
    plan.counts.merged++;
    phases.merge.store(phases.newUpdate(), slot.table, slot.index, leaf);
    phases.merge.invalidations.add(plan.tag, true, start, start + plan.span(level));
    return;
  }
  if (covered && sameShape(plan, level, start, child, from, to)) {
    const update = phases.newUpdate();
    plan.retire(child);
    edit(plan, slot, update, old, buildSlot(plan, update, level, start, from, to, plan.hardwareBits));
    return;
  }
  planTable(plan, level - 1, child, start, from, to, merge);
}

interface LeafPlan {
  /** Entry after the split phase: the old leaf, or a table with the same translation. */
  readonly first: Entry;
  /** Entry after the edit phase. */
  readonly last: Entry;
  readonly update: number;
}

/**
 * Plans a slot that holds a leaf.
 *
 * `aside` says that the slot is part of a table still being built: a page that goes is then left out at once, since the
 * table's link is what makes it go.
 */
function planLeaf(
  plan: PlanContext<Phases>,
  level: number,
  start: number,
  old: Entry,
  from: number,
  to: number,
  aside: boolean,
): LeafPlan {
  const { format, change: phases, runs } = plan;
  const frame = format.pfnOf(old.lo, old.hi);
  const rights = format.rightsOf(old.lo, old.hi);
  const bits = old.lo & plan.hardwareBits;
  if (leafKeeps(plan, start, frame, rights, from, to)) return { first: old, last: old, update: 0 };
  const update = phases.newUpdate();
  if (runs.covers(start, start + plan.span(level), from, to)) {
    if (runs.allAbsent(from, to)) return { first: aside ? ABSENT : old, last: ABSENT, update };
    const leaf = plan.singleLeaf(level, start, from, to);
    if (leaf !== null) {
      phases.splitsMustSettle ||= aside;
      return { first: old, last: leaf, update };
    }
    // Every page that stays translated changes: cut the leaf to the new shape, then swap the whole table.
    mayResize(plan);
    phases.splitsMustSettle = true;
    const identical = buildIdentical(plan, update, level, start, frame, rights, bits, from, to);
    retireBuilt(plan, identical);
    const thenUpdate = phases.newUpdate();
    const last = buildSlot(plan, thenUpdate, level, start, from, to, plan.hardwareBits);
    return { first: identical, last, update };
  }
  mayResize(plan);
  return { ...splitLeaf(plan, update, level, start, frame, rights, bits, from, to), update };
}

/** A table of smaller leaves with the same translation, and the edits its changing pages need once it is linked. */
function splitLeaf(
  plan: PlanContext<Phases>,
  update: number,
  level: number,
  start: number,
  frame: Pfn,
  rights: number,
  bits: number,
  from: number,
  to: number,
): { first: Entry; last: Entry } {
  const { format, change: phases, runs } = plan;
  const childLevel = level - 1;
  const childSpan = plan.span(childLevel);
  const table = plan.alloc(childLevel, start);
  const later: { slot: Slot; plan: LeafPlan }[] = [];
  fillEntries(plan, update, table, (index) => {
    const childStart = start + index * childSpan;
    const leaf = marked(format.leaf(childLevel, (frame + index * childSpan) as Pfn, rights), bits);
    const a = runs.firstEndingAfter(childStart, from, to);
    const b = runs.firstStartingAt(childStart + childSpan, a, to);
    if (a === b) return leaf;
    const child = planLeaf(plan, childLevel, childStart, leaf, a, b, true);
    if (child.last !== child.first && child.first !== ABSENT) {
      phases.splitsMustSettle = true;
      later.push({ slot: { level: childLevel, table, index, start: childStart }, plan: child });
    }
    return child.first;
  });
  for (const { slot, plan: child } of later) edit(plan, slot, phases.newUpdate(), child.first, child.last);
  const entry = format.table(table);
  return { first: entry, last: entry };
}

function mayResize(plan: PlanContext<Phases>): void {
  if (plan.capability.resizeInPlace === "never") throw new PlanFailure("needs-break");
}

/** Tables of an intermediate shape are linked in one phase and gone after the next. */
function retireBuilt(plan: PlanContext<Phases>, entry: Entry): void {
  const root = plan.format.pfnOf(entry.lo, entry.hi);
  const at = plan.built.lastIndexOf(root);
  for (let i = at; i < plan.built.length; i++) plan.change.retired.add(plan.built[i]!);
}
