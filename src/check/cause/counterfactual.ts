import { EditScript, type Step } from "../../edit-script/index.ts";
import type { Decision } from "../decide.ts";
import type { DecideOptions } from "../decide-options.ts";
import type { MemoryMode } from "../input.ts";
import type { OnlyPages } from "../maps/only-pages.ts";
import { type Group, taken } from "../rules/groups.ts";
import { pagePairs } from "../rules/relapse.ts";
import type { Cause } from "../rules/violation-class.ts";
import type { Violations } from "../rules/violations.ts";
import { listedSteps, loggedSteps, type ScriptSteps } from "../script/script-steps.ts";
import { pageHistory } from "./page-history.ts";
import { type Repair, spliced } from "./repair.ts";
import { repairsFor } from "./repairs.ts";
import { shareCauses } from "./shared-cause.ts";
import { aimAt, contextOf, isNoBetter, rank, trialOptions } from "./trial.ts";
import { callsOfTrial } from "./trial-calls.ts";

/**
 * Groups whose cause is looked for one by one, and of those left, in turn: with more, something is wrong throughout, and what heals
 * those looked into is tried on all.
 */
const LOOKED_INTO = [24, 4, 4, 4];
/** Trials one finding may cost before its cause is left unnamed. */
const MAX_TRIALS = 200;
/** Steps that all trials of one finding may replay where a change takes several calls: their scripts are long together. */
const MAX_REPLAYED_OF_CALLS = 20_000;
/**
 * What all trials of a script together may take, in steps of a history of so many: where a page is changed hundreds of times the time
 * goes with the square, and once more with the roots that there are in turn.
 */
const MAX_REPLAYED = 2_000_000;
const STEPS_LIKE_ONE = 1000;

/** What is left of that. */
interface Budget {
  steps: number;
}

/** Classes whose cause needs no trial. */
const CAUSE_BY_CLASS: Readonly<Partial<Record<string, Cause>>> = {
  V08: "split-store",
  V13: "plan",
  V16: "split-store",
};

/** A repair that heals, and the step of the script it is about. */
interface Candidate {
  readonly cause: Cause;
  readonly step: number;
}

/**
 * Names causes by counterfactual replay: the script is decided again, for one page of each group, with one ideal event in it.
 * The first repair that heals everything on the page names the cause; one that heals another group too is preferred, so that
 * one cause has one name. A page that no repair heals was planned wrongly. Returns the groups, crowds parted by cause.
 */
export function nameCauses(
  decision: Decision,
  groups: readonly Group[],
  options: DecideOptions,
): readonly Group[] {
  const chosen = new Set<string>();
  const budget: Budget = { steps: MAX_REPLAYED };
  for (const group of groups) {
    const cause = CAUSE_BY_CLASS[group.class];
    if (cause !== undefined) name(group, { cause, step: group.example.step }, chosen);
  }
  const named = groups.filter(({ cause }) => cause !== null);
  let unnamed: readonly Group[] = groups.filter(({ cause }) => cause === null);
  for (const many of LOOKED_INTO) {
    const { first, others } = taken(unnamed, many);
    nameOneByOne(decision, first, options, chosen, budget);
    named.push(...first);
    if (others.length === 0) return named;
    const shared = shareCauses(decision, first, others, options);
    named.push(...shared.filter(({ cause }) => cause !== null));
    unnamed = shared.filter(({ cause }) => cause === null);
  }
  return [...named, ...unnamed];
}

const key = ({ cause, step }: Candidate): string => `${cause} ${step}`;

function name(group: Group, candidate: Candidate, chosen: Set<string>): void {
  chosen.add(key(candidate));
  group.cause = candidate.cause;
  group.causeStep = candidate.step;
}

/** Where several repairs heal, one that is `chosen` already is preferred. */
function nameOneByOne(
  decision: Decision,
  groups: readonly Group[],
  options: DecideOptions,
  chosen: Set<string>,
  budget: Budget,
): void {
  for (const group of groups.toSorted((a, b) => rank(a.class) - rank(b.class))) {
    const candidates = causesOf(decision, group, options, budget);
    const best = candidates.find((c) => chosen.has(key(c))) ?? candidates[0];
    if (best !== undefined) name(group, best, chosen);
  }
}

/** Repairs that heal the group's example, the most telling first; none where its history is too long to try, or nothing is left of the budget. */
function causesOf(decision: Decision, group: Group, how: DecideOptions, budget: Budget): Candidate[] {
  if (budget.steps <= 0) return [];
  const { step } = group.example;
  const options = trialOptions(group.class, how);
  const page = pagesToTry(decision, group, options);
  const history = pageHistory(decision, page, options);
  if (history === null) return [];
  const { steps, numbers, tables, isThinned } = history;
  const { input } = decision;
  if (isThinned && !shows(decision, steps, numbers, page, group, options)) return [];
  const context = contextOf(
    decision,
    group.domain,
    listedSteps(steps),
    tables,
    null,
    aimAt(decision, group, steps, numbers),
  );
  const all = loggedSteps(decision.log);
  const whole: Candidate[] = [];
  const partial: Candidate[] = [];
  const most = input.calls ? Math.min(MAX_TRIALS, MAX_REPLAYED_OF_CALLS / steps.length) : MAX_TRIALS;
  const found = decidedAlone(decision, steps, numbers, steps, page, { ...options, skipHidden: false });
  const before = new Set([...found].map((v) => v.class));
  const cost = (steps.length * steps.length * decision.rootsOf(group.domain).length) / STEPS_LIKE_ONE;
  let trials = 0;
  for (const repair of repairsFor(group.shows, group.isWeakOnly, context)) {
    budget.steps -= cost;
    if (++trials > most || budget.steps <= 0) break;
    const repaired = spliced(steps, repair.splices());
    const decided = (mode: MemoryMode): Violations =>
      decidedAlone(decision, steps, numbers, repaired, page, { ...options, mode });
    const left = decided(options.mode);
    const isLeft = [...left].some((v) => isNoBetter(v.class, group, before));
    if (repair.isLast && left.length > 0) continue;
    if (isLeft && !(group.isWeakOnly && isShownIn(decided("strong"), left))) continue;
    (left.length > 0 ? partial : whole).push({
      cause: repair.cause,
      step: stepOf(repair, numbers, all),
    });
  }
  const healing = whole.length > 0 ? whole : partial;
  if (healing.length > 0) return healing;
  // Whether a repair that was not tried would have healed is not known.
  return trials > most || budget.steps <= 0 ? [] : [{ cause: "plan", step }];
}

/** True iff some violations show all classes that others do: what is left for want of a barrier is nothing then. */
function isShownIn(strong: Violations, weak: Violations): boolean {
  const classes = new Set([...strong].map((v) => v.class));
  return [...weak].every((v) => classes.has(v.class));
}

/** What a page shows where a script is all that happens to it: its history, perhaps with a repair. */
function decidedAlone(
  decision: Decision,
  steps: readonly Step[],
  numbers: readonly number[],
  repaired: readonly Step[],
  page: OnlyPages,
  options: DecideOptions,
): Violations {
  const { calls } = decision.input;
  const own = calls ? callsOfTrial(calls, steps, numbers, repaired) : null;
  return decision.withScript(EditScript.from(repaired), own).violations({ ...options, only: page });
}

/** True iff a history shows what was found in the whole script. */
function shows(
  decision: Decision,
  steps: readonly Step[],
  numbers: readonly number[],
  page: OnlyPages,
  group: Group,
  options: DecideOptions,
): boolean {
  const found = decidedAlone(decision, steps, numbers, steps, page, { ...options, skipHidden: false });
  return [...found].some((v) => v.class === group.shows);
}

/**
 * The step of the whole script that a repair is about. An event that is inserted may stand among the steps that do not matter to
 * the page just as well: the first place, or behind a step the last, is mostly the same for all pages that it heals.
 */
function stepOf({ at, beside }: Repair, numbers: readonly number[], steps: ScriptSteps): number {
  const own = numbers[at] ?? 0;
  if (beside === undefined) return own;
  const { side, takes, parts } = beside;
  if (side === "before") {
    for (let step = (numbers[at - 1] ?? 0) + 1; step < own; step++) if (takes(steps, step - 1)) return step;
    return own;
  }
  const next = numbers[at + 1] ?? steps.length + 1;
  if (parts !== undefined && own > 0)
    for (let step = own; step < Math.min(next, steps.length); step++) if (parts(steps, step - 1)) return step;
  for (let step = next - 1; step > own; step--) if (takes(steps, step - 1)) return step;
  return own;
}

/** The page that stands for a group; for what takes two accesses, two pages that show it. */
function pagesToTry(decision: Decision, { domain, example }: Group, options: DecideOptions): OnlyPages {
  const one = { domain, start: example.start, end: example.start + 1 };
  if (example.relapse === undefined) return one;
  for (const [start, beside] of pagePairs(example.relapse)) {
    const two = { domain, start, end: start + 1, beside };
    const found = decision.violations({ ...options, only: two });
    if ([...found].some((v) => v.class === "V11")) return two;
  }
  return one;
}
