import type { Pfn, Rights } from "../../units/index.ts";
import type { PlanContext } from "./plan-context.ts";

/**
 * What a slot will look like after the change, found without building anything: it decides whether the slot's table can
 * be detached, become one leaf, or must stay.
 */
export type Outlook =
  | { readonly kind: "absent" }
  | {
      readonly kind: "leaf";
      readonly frame: Pfn;
      readonly rights: Rights;
      /** A page that translates now will translate differently: size and translation must change in two steps. */
      readonly replacesPresent: boolean;
    }
  | { readonly kind: "mixed" };

const MIXED: Outlook = { kind: "mixed" };
const GONE: Outlook = { kind: "absent" };

/** Outlook of the slot at `start` whose entry is (lo, hi), given the runs [from, to) that touch it. */
export function outlook(
  plan: PlanContext,
  level: number,
  start: number,
  lo: number,
  hi: number,
  from: number,
  to: number,
): Outlook {
  const { format, runs } = plan;
  const present = format.isPresent(lo, hi);
  if (from === to) {
    if (!present) return GONE;
    if (format.isTable(level, lo, hi)) return MIXED;
    return {
      kind: "leaf",
      frame: format.pfnOf(lo, hi),
      rights: format.rightsOf(lo, hi),
      replacesPresent: false,
    };
  }
  const covered = runs.covers(start, start + plan.span(level), from, to);
  if (!present || covered) {
    if (runs.allAbsent(from, to)) return GONE;
    if (plan.singleLeaf(level, start, from, to) === null) return MIXED;
    const frame = runs.frameAt(from, start);
    const rights = runs.rights[from]!;
    const replacesPresent =
      present &&
      (format.isTable(level, lo, hi) || format.pfnOf(lo, hi) !== frame || format.rightsOf(lo, hi) !== rights);
    return { kind: "leaf", frame, rights, replacesPresent };
  }
  if (!format.isTable(level, lo, hi)) return MIXED;
  return tableOutlook(plan, level, start, format.pfnOf(lo, hi), from, to);
}

/** Outlook of a slot whose table keeps some of its pages: looks at entries only until they can no longer agree. */
function tableOutlook(
  plan: PlanContext,
  level: number,
  start: number,
  table: Pfn,
  from: number,
  to: number,
): Outlook {
  const { runs } = plan;
  const childLevel = level - 1;
  const childSpan = plan.span(childLevel);
  const words = plan.read(childLevel, table);
  const firstTouched = Math.max(0, Math.floor((runs.starts[from]! - start) / childSpan));
  let allAbsent = true;
  let uniform = plan.mayBeLeaf(level) && plan.merge;
  let frame = 0;
  let rights = 0;
  let replacesPresent = false;
  for (let k = 0; k < 512; k++) {
    // Touched entries first: they are the likeliest to disagree.
    const index = (firstTouched + k) % 512;
    const childStart = start + index * childSpan;
    const a = runs.firstEndingAfter(childStart, from, to);
    const b = runs.firstStartingAt(childStart + childSpan, a, to);
    const child = outlook(plan, childLevel, childStart, words[2 * index]!, words[2 * index + 1]!, a, b);
    if (child.kind === "mixed") return MIXED;
    if (child.kind === "absent") uniform = false;
    else {
      allAbsent = false;
      const base = child.frame - index * childSpan;
      if (k === 0) {
        frame = base;
        rights = child.rights;
      } else if (base !== frame || child.rights !== rights) uniform = false;
      replacesPresent ||= child.replacesPresent;
    }
    if (!allAbsent && !uniform) return MIXED;
  }
  if (allAbsent) return GONE;
  if (frame < 0 || frame % plan.span(level) !== 0) return MIXED;
  return { kind: "leaf", frame: frame as Pfn, rights, replacesPresent };
}

/** True iff a subtree has a leaf that translates anything. */
export function translatesAnything(plan: PlanContext, level: number, table: Pfn): boolean {
  const words = plan.engine.readTable(table).slice();
  for (let i = 0; i < 512; i++) {
    const lo = words[2 * i]!;
    const hi = words[2 * i + 1]!;
    if (!plan.format.isPresent(lo, hi)) continue;
    if (!plan.format.isTable(level, lo, hi) || translatesAnything(plan, level - 1, plan.format.pfnOf(lo, hi)))
      return true;
  }
  return false;
}

/**
 * True iff the runs [from, to), which cover the slot, need leaves of the sizes that stand there now wherever a page
 * translates before and after: then one store may swap the whole table.
 */
export function sameShape(
  plan: PlanContext,
  level: number,
  start: number,
  table: Pfn,
  from: number,
  to: number,
): boolean {
  const childLevel = level - 1;
  if (childLevel === 0) return true;
  const { format, runs } = plan;
  const words = plan.engine.readTable(table).slice();
  for (let index = 0; index < 512; index++) {
    const lo = words[2 * index]!;
    const hi = words[2 * index + 1]!;
    if (!format.isPresent(lo, hi)) continue;
    const childStart = plan.slotStart(childLevel, start, index);
    const a = runs.firstEndingAfter(childStart, from, to);
    const b = runs.firstStartingAt(childStart + plan.span(childLevel), a, to);
    if (runs.allAbsent(a, b)) continue;
    const becomesLeaf = plan.singleLeaf(childLevel, childStart, a, b) !== null;
    const isTable = format.isTable(childLevel, lo, hi);
    if (becomesLeaf === isTable) return false;
    if (isTable && !sameShape(plan, childLevel, childStart, format.pfnOf(lo, hi), a, b)) return false;
  }
  return true;
}

/** True iff every run gives its pages the translation the leaf gives them already. */
export function leafKeeps(
  plan: PlanContext,
  start: number,
  frame: Pfn,
  rights: number,
  from: number,
  to: number,
): boolean {
  const { runs } = plan;
  for (let i = from; i < to; i++)
    if (runs.pfns[i]! < 0 || runs.rights[i] !== rights || runs.pfns[i]! - runs.starts[i]! !== frame - start)
      return false;
  return true;
}
