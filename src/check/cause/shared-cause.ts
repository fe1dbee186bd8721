import type { Decision } from "../decide.ts";
import type { DecideOptions } from "../decide-options.ts";
import { NO_RANGES, type Ranges, touches, union } from "../lists/ranges.ts";
import { type Group, parted } from "../rules/groups.ts";
import type { Cause, ViolationClass } from "../rules/violation-class.ts";
import { pagesByClass } from "../rules/violations.ts";
import { loggedSteps } from "../script/script-steps.ts";
import { type Repair, spliced } from "./repair.ts";
import { repairsFor } from "./repairs.ts";
import { contextOf, isNoBetter } from "./trial.ts";
import { callsOfTrial } from "./trial-calls.ts";

/** Causes that are tried on all groups: each takes one decision of the whole script. */
const MAX_SHARED = 3;
/** Repairs of one name that are tried. */
const MAX_ALIKE = 2;
/** Steps times calls that a trial may have to sort. */
const MAX_SORTED = 10_000_000;

/** A repair that healed some groups, and one of them. */
interface Healing {
  readonly like: Group;
  readonly cause: Cause;
  readonly step: number;
  groups: number;
  /** It is repaired in all places alike. */
  readonly isEverywhere: boolean;
}

/**
 * Names causes where too many groups are found to look into each: the whole script is decided again with the repair that healed
 * most of those looked into, then with the next, and what that heals has this cause. `plan` is no repair, and nothing is known
 * to have it without a look. Returns the unnamed groups, crowds parted where some of them are healed.
 */
export function shareCauses(
  decision: Decision,
  named: readonly Group[],
  unnamed: readonly Group[],
  options: DecideOptions,
): readonly Group[] {
  const { log, input } = decision;
  const healings = [...inManyPlaces(named), ...mostFirst(named)].slice(0, MAX_SHARED);
  if (healings.length === 0) return unnamed;
  if (log.steps * (input.calls?.spans.length ?? 1) > MAX_SORTED) return unnamed;
  const tables = [...log.logs()].map(({ table }) => table);
  let groups = unnamed;
  for (const healing of healings) {
    const isOpen = ({ cause, domain }: Group): boolean => cause === null && domain === healing.like.domain;
    if (!groups.some(isOpen)) continue;
    for (const repair of repairsLike(decision, healing, tables)) {
      const trial = withRepair(decision, repair);
      const left = pagesByClass(trial.violations(options), healing.like.domain);
      groups = groups.flatMap((group) => (isOpen(group) ? healedParts(group, healing, left) : [group]));
      if (healing.isEverywhere && groups.some(({ isEverywhere }) => isEverywhere)) makeOne(named, healing);
      // To look for the next repair goes through the whole script.
      if (!groups.some(isOpen)) break;
    }
  }
  return groups;
}

/** A group, or a crowd in two parts, named where the repair leaves nothing as bad; `left` are the pages that a trial leaves. */
function healedParts(
  group: Group,
  { cause, step, isEverywhere }: Healing,
  left: ReadonlyMap<ViolationClass, Ranges>,
): Group[] {
  let bad = NO_RANGES;
  for (const [kind, pages] of left) if (isNoBetter(kind, group)) bad = union(bad, pages);
  const named = (healed: Group): Group => Object.assign(healed, { cause, causeStep: step, isEverywhere });
  if (group.crowd === null) {
    const isHealed = group.ranges.every(({ start, end }) => !touches(bad, start, end));
    return [isHealed ? named(group) : group];
  }
  const { violations } = group.crowd;
  const isHealed = (row: number): boolean => !touches(bad, violations.start(row), violations.end(row));
  const [healed, others] = parted(group.crowd, isHealed);
  return [healed && named(healed), others].filter((part) => part !== null);
}

function mostFirst(named: readonly Group[]): Healing[] {
  const healings = new Map<string, Healing>();
  for (const group of named) {
    if (group.cause === null || group.cause === "plan") continue;
    const key = `${group.domain} ${group.cause} ${group.causeStep}`;
    const known = healings.get(key);
    if (known !== undefined) known.groups++;
    else healings.set(key, healingOf(group, false));
  }
  return [...healings.values()].sort((a, b) => b.groups - a.groups);
}

const healingOf = (like: Group, isEverywhere: boolean): Healing => {
  return { like, cause: like.cause!, step: like.causeStep, groups: 1, isEverywhere };
};

/** Causes that were named of several steps: a script that goes page by page forgets what it forgets for each. */
function inManyPlaces(named: readonly Group[]): Healing[] {
  const firsts = new Map<string, Group>();
  const many = new Map<string, Healing>();
  for (const group of named) {
    if (group.cause === null || group.cause === "plan" || group.isEverywhere) continue;
    const key = `${group.domain} ${group.cause}`;
    const first = firsts.get(key);
    if (first === undefined) firsts.set(key, group);
    else if (first.causeStep !== group.causeStep) many.set(key, healingOf(first, true));
  }
  return [...many.values()];
}

/** Lets the groups that were looked into one by one have the cause of all. */
function makeOne(named: readonly Group[], { like, cause, step }: Healing): void {
  for (const group of named)
    if (group.cause === cause && group.domain === like.domain)
      Object.assign(group, { causeStep: step, isEverywhere: true });
}

/** The whole script with a repair. */
function withRepair(decision: Decision, repair: Repair): Decision {
  const { calls } = decision.input;
  const splices = repair.splices();
  if (!calls) return decision.withSplices(splices);
  const steps = [...decision.log.script];
  const numbers = steps.map((_, k) => k + 1);
  return decision.withSplices(splices, callsOfTrial(calls, steps, numbers, spliced(steps, splices)));
}

/** The repairs of the whole script that have the name of the one that healed a part of it: the first ones. */
function* repairsLike(
  decision: Decision,
  { like, cause, step, isEverywhere }: Healing,
  tables: readonly number[],
): Generator<Repair> {
  const about = isEverywhere ? "everywhere" : step - 1;
  const context = contextOf(decision, like.domain, loggedSteps(decision.log), tables, about);
  let tried = 0;
  for (const repair of repairsFor(like.shows, like.class === "V15", context)) {
    const isLike = isEverywhere ? repair.isEverywhere : repair.at + 1 === step;
    if (repair.cause !== cause || !isLike) continue;
    yield repair;
    if (++tried === MAX_ALIKE) return;
  }
}
