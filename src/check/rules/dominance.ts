import { type Ranges, without } from "../lists/ranges.ts";
import { asRanges, listed, pagesIn } from "../maps/interest.ts";
import type { Group } from "./groups.ts";
import type { ViolationClass } from "./violation-class.ts";

/**
 * One cause, one report: which classes a class hides where both have the same cause. An unpinned frame behind an old
 * translation is V06 and not V04 as well; whatever is read through a freed table is V07. No two classes may hide each
 * other, directly or through others: both would vanish.
 */
const HIDES: Readonly<Partial<Record<ViolationClass, readonly ViolationClass[]>>> = {
  V13: ["V01", "V01b", "V02", "V03", "V04", "V04b", "V05", "V10", "V11", "V12"],
  V08: ["V01", "V01b", "V02", "V03", "V04", "V04b", "V05", "V09", "V10", "V11"],
  V16: ["V01", "V01b", "V02", "V03", "V04", "V04b", "V05", "V07", "V09", "V10", "V11", "V13"],
  V07: ["V01", "V01b", "V02", "V03", "V04", "V04b", "V05", "V06", "V09", "V10", "V11"],
  V15: ["V01", "V01b", "V02", "V03", "V04", "V04b", "V05", "V06", "V07", "V09", "V10", "V11"],
  V06: ["V04", "V04b", "V09", "V10"],
  V09: ["V04b", "V10"],
  V04: ["V04b", "V10", "V11"],
  V02: ["V04", "V04b", "V05", "V06", "V09", "V10"],
  V03: ["V04", "V04b", "V09", "V10"],
  V01: ["V05", "V09", "V10"],
  V01b: ["V05", "V10"],
  V05: ["V04b", "V11"],
  V11: ["V04b", "V09"],
  V04b: ["V10"],
};
/** Classes that hide what they cause whatever the other's cause was named: they are the cause. */
const TAINTS: readonly ViolationClass[] = ["V13", "V08", "V16", "V07"];
/** Classes that are nothing but the other side of one: stale to an unpinned frame, at odds with a leaf that is wrong. */
const ECHOES: Readonly<Partial<Record<ViolationClass, readonly ViolationClass[]>>> = {
  V06: ["V04", "V04b"],
  V02: ["V09"],
  V03: ["V09"],
};
/** True iff the second class hides behind the first where both have the same cause. */
export const hides = (kind: ViolationClass, hidden: ViolationClass): boolean =>
  HIDES[kind]?.includes(hidden) ?? false;
/**
 * True iff the second class hides behind the first even with a cause of its own. A dirty bit that is lost where the page
 * shows something else, or nothing, is what that does.
 */
const isMadeBy = (kind: ViolationClass, hidden: ViolationClass): boolean =>
  TAINTS.includes(kind) || hidden === "V10" || (ECHOES[kind]?.includes(hidden) ?? false);

/** True iff the second class hides behind the first wherever the two meet, whatever made either of them. */
export const alwaysHides = (kind: ViolationClass, hidden: ViolationClass): boolean =>
  isMadeBy(kind, hidden) && hides(kind, hidden);

/** The class that decides what hides a group: a lost dirty bit is one also where only a missing barrier lets it get lost. */
const judgedAs = ({ class: kind, shows }: Group): ViolationClass => (shows === "V10" ? shows : kind);

/** Drops what another finding explains. Pages are compared, so that a second fault elsewhere stays visible. */
export function dominant(groups: readonly Group[]): Group[] {
  const told = unhidden(groups);
  const explaining = [...told, ...groups.filter((group) => told.some((other) => tells(other, group)))];
  // Pages around a finding that say no more than "the same cause reaches us too" are not another finding.
  return told.filter((group) => group.class !== "V04b" || !explaining.some((own) => isCauseOf(own, group)));
}

/**
 * True iff two groups have one cause, as far as its name says. A page that is missing in the end for want of order misses a store of its own:
 * another that comes too early has shown something else before.
 */
const isOneCause = (a: Group, b: Group): boolean =>
  a.cause === b.cause && (a.causeStep === b.causeStep || a.isEverywhere || !isMissingForOrder(b));
const isMissingForOrder = ({ class: kind, cause }: Group): boolean => kind === "V05" && cause === "order";

/** True iff the second group is told as the first on pages that both have: one cause made both. */
const tells = (other: Group, group: Group): boolean =>
  other.domain === group.domain &&
  isOneCause(other, group) &&
  hides(judgedAs(other), judgedAs(group)) &&
  pagesIn(listed(without(asRanges(group.ranges), asRanges(other.ranges)))) < pagesIn(group.ranges);

/** The pages of each group on which no other hides it. */
function unhidden(groups: readonly Group[]): Group[] {
  const result: Group[] = [];
  for (const group of groups) {
    let left: Ranges | null = null;
    for (const other of groups) {
      if (other === group || !HIDES[judgedAs(other)]?.includes(judgedAs(group))) continue;
      const isSame = mayShare(other) && (isOneCause(other, group) || other.cause === null);
      if (other.domain === group.domain && (isSame || isMadeBy(other.class, judgedAs(group))))
        left = without(left ?? asRanges(group.ranges), asRanges(other.ranges));
    }
    const rest = left === null ? group.ranges : listed(left);
    if (pagesIn(rest) > 0 || (group.class === "V12" && group.ranges.length === 0))
      result.push({ ...group, ranges: rest });
  }
  return result;
}

/**
 * True iff others with the same cause, or where none is named, are its own: what a missing barrier shows is not what is wrong in strong
 * order too, unless one repair heals both. That a plan is wrong says nothing of how often.
 */
const mayShare = ({ class: kind, cause }: Group): boolean =>
  kind !== "V15" || (cause !== "plan" && cause !== null);

/** A stale path that shows something somewhere need not be reported where it shows nothing. */
const isCauseOf = (other: Group, latent: Group): boolean =>
  other !== latent &&
  other.domain === latent.domain &&
  other.cause === latent.cause &&
  other.causeStep === latent.causeStep &&
  (HIDES[other.class] ?? []).includes("V04b");
