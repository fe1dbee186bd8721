import type { Decision } from "../decide.ts";
import type { DecideOptions } from "../decide-options.ts";
import { NO_RANGES, RangeList, type Ranges, touches, union, without } from "../lists/ranges.ts";
import { alwaysHides } from "../rules/dominance.ts";
import { type Group, parted } from "../rules/groups.ts";
import { pagesByClass } from "../rules/pages-by-class.ts";
import type { Cause, ViolationClass } from "../rules/violation-class.ts";
import { loggedSteps } from "../script/script-steps.ts";
import { type Repair, spliced } from "./repair.ts";
import { repairsFor } from "./repairs.ts";
import { contextOf, isNoBetter, needsOrder, trialOptions } from "./trial.ts";
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
  const before = new ShownBefore([...named, ...unnamed]);
  let groups = unnamed;
  for (const healing of healings) {
    const { like } = healing;
    // A trial in strong order says nothing of what shows in weak order only.
    const isTold = (kind: ViolationClass): boolean => needsOrder(like.class) || !needsOrder(kind);
    const isOpen = ({ cause, domain, class: kind }: Group): boolean =>
      cause === null && domain === like.domain && isTold(kind);
    if (!groups.some(isOpen)) continue;
    for (const { repair, isAlone } of repairsLike(decision, healing, tables)) {
      const trial = withRepair(decision, repair);
      const left = pagesByClass(trial.violations(trialOptions(like.class, options)), like.domain);
      const unhealed = groups;
      groups = groups.flatMap((group) =>
        isOpen(group) ? healedParts(group, healing, badPages(left, group, before)) : [group],
      );
      if (healing.isEverywhere && groups.some(({ isEverywhere }) => isEverywhere)) makeOne(named, healing);
      // To look for the next repair goes through the whole script.
      if (!groups.some(isOpen)) break;
      // Where one place is to blame, what other places heal has another.
      if (isAlone && groups.some((group, i) => group.cause !== unhealed[i]?.cause)) break;
    }
  }
  return groups;
}

/** Pages on which groups show a class, or one that hides it, before anything is repaired. */
class ShownBefore {
  readonly #groups: readonly Group[];
  readonly #pages = new Map<string, Ranges>();

  constructor(groups: readonly Group[]) {
    this.#groups = groups;
  }

  pages(domain: number, kind: ViolationClass): Ranges {
    const key = `${domain} ${kind}`;
    let pages = this.#pages.get(key);
    if (pages === undefined) {
      const all = new RangeList();
      for (const group of this.#groups)
        if (group.domain === domain && (group.shows === kind || alwaysHides(group.shows, kind)))
          for (const { start, end } of group.ranges) all.push(start, end);
      this.#pages.set(key, (pages = all.union()));
    }
    return pages;
  }
}

/** Pages on which a trial leaves what says that it heals nothing; `left` are those that it leaves, by class. */
function badPages(left: ReadonlyMap<ViolationClass, Ranges>, group: Group, before: ShownBefore): Ranges {
  let bad = NO_RANGES;
  for (const [kind, pages] of left) {
    if (!isNoBetter(kind, group)) continue;
    const isOther = !isNoBetter(kind, group, new Set([kind]));
    bad = union(bad, isOther ? without(pages, before.pages(group.domain, kind)) : pages);
  }
  return bad;
}

/** A group, or a crowd in two parts, named where the repair leaves nothing as `bad`. */
function healedParts(group: Group, { cause, step, isEverywhere }: Healing, bad: Ranges): Group[] {
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
): Generator<{ readonly repair: Repair; readonly isAlone: boolean }> {
  const about = isEverywhere ? "everywhere" : step - 1;
  const context = contextOf(decision, like.domain, loggedSteps(decision.log), tables, about);
  let tried = 0;
  for (const repair of repairsFor(like.shows, like.isWeakOnly, context)) {
    const isLike = isEverywhere ? repair.isEverywhere : repair.at + 1 === step;
    if (repair.cause !== cause || !isLike) continue;
    const alone = isEverywhere ? null : partAt(repair, step - 1);
    if (alone !== null) yield { repair: alone, isAlone: true };
    yield { repair, isAlone: false };
    if (++tried === MAX_ALIKE) return;
  }
}

/** What a repair does in one place only; null where it does nothing of its own there. */
function partAt(repair: Repair, at: number): Repair | null {
  for (const part of repair.parts?.() ?? []) if (part.at === at) return { ...repair, ...part };
  return null;
}
