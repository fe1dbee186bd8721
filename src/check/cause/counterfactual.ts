import type { Step } from "../../edit-script/index.ts";
import type { Decision } from "../decide.ts";
import type { DecideOptions } from "../decide-options.ts";
import type { OnlyPages } from "../maps/only-pages.ts";
import { type Group, taken } from "../rules/groups.ts";
import { pagePairs } from "../rules/relapse.ts";
import type { Cause } from "../rules/violation-class.ts";
import type { RawViolation, Violations } from "../rules/violations.ts";
import { listedSteps, loggedSteps, type ScriptSteps } from "../script/script-steps.ts";
import { pageHistory } from "./page-history.ts";
import { type Budget, PageTrials } from "./page-trials.ts";
import { plannedStep } from "./planned-step.ts";
import { type Repair, type RepairPart, spliced } from "./repair.ts";
import { repairsFor } from "./repairs.ts";
import { shareCauses } from "./shared-cause.ts";
import { aimAt, contextOf, isNoBetter, isVisible, needsOrder, rank, trialOptions } from "./trial.ts";

/**
 * Groups whose cause is looked for one by one, and of those left, in turn: with more, something is wrong throughout, and what heals
 * those looked into is tried on all.
 */
const LOOKED_INTO = [24, 4, 4, 4];
/**
 * What all trials of a script together may take, in steps of a history of so many: where a page is changed hundreds of times the time
 * goes with the square, and once more with the roots that there are in turn.
 */
const MAX_REPLAYED = 2_000_000;

/** Of the places of a repair so many are tried alone. */
const MAX_PARTS = 12;

/** In a longer script what was found stands for itself: to decide a page alone goes through all of it. */
const MAX_DECIDED_ALONE = 50_000;

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

/** One that heals what was found, but not all that is wrong with the page; and the steps with it. */
interface HealsInPart extends Candidate {
  readonly repaired: readonly Step[];
  readonly left: Violations;
}

/** Repairs that do the work of all invalidations and waits: where two of these are weak, they heal both. */
const STRONGEST: ReadonlySet<Cause> = new Set(["missing-inv", "order"]);
/** Repairs that make one of them, or all, stronger in one respect. */
const STRONGER: ReadonlySet<Cause> = new Set([
  "no-drain",
  "no-wait",
  "no-ATC",
  "wrong-scope",
  "under-range",
  "wrong-tag",
]);

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
    group.example = exampleOf(decision, group, options);
    const candidates = causesOf(decision, group, options, chosen, budget);
    const best = candidates.find((c) => chosen.has(key(c))) ?? candidates[0];
    if (best !== undefined) name(group, best, chosen);
  }
}

/**
 * What stands for a group: its page, decided alone. Neighbours with histories alike are told with the step of the first; and where both
 * memory orders show it, strong order does: a missing barrier may show the same in weak order by another store, and has its own cause.
 */
function exampleOf(decision: Decision, group: Group, options: DecideOptions): RawViolation {
  const { example, domain, isWeakOnly, shows } = group;
  if (example.relapse !== undefined || decision.log.steps > MAX_DECIDED_ALONE) return example;
  const isInStrong = !isWeakOnly && !needsOrder(group.class) && decision.walksDependOnOrder;
  const mode = isInStrong ? "strong" : options.mode;
  const only = { domain, start: example.start, end: example.start + 1 };
  const alone = decision.violations({ ...options, mode, skipHidden: false, collapse: false, only });
  const like = [...alone].filter((v) => v.class === shows);
  const isSame = ({ table, level }: RawViolation): boolean =>
    table === example.table && level === example.level;
  const own = like.find((v) => isSame(v) && v.until === example.until) ?? like.find(isSame) ?? like[0];
  return own === undefined ? example : { ...own, class: example.class, shows };
}

/** Repairs that heal the group's example, the most telling first; none where its history is too long to try, or nothing is left of the budget. */
function causesOf(
  decision: Decision,
  group: Group,
  how: DecideOptions,
  chosen: ReadonlySet<string>,
  budget: Budget,
): Candidate[] {
  if (budget.steps <= 0) return [];
  const options = trialOptions(group.class, how);
  const page = pagesToTry(decision, group, options);
  const history = pageHistory(decision, page, options);
  if (history === null) return [];
  const { steps, numbers, tables, isThinned } = history;
  const trials = new PageTrials(decision, group.domain, history, page, options, budget);
  const found = trials.decided(steps, { skipHidden: false });
  const before = new Set([...found].map((v) => v.class));
  if (isThinned && !before.has(group.shows)) return [];
  const aim = aimAt(decision, group, steps, numbers);
  const context = contextOf(decision, group.domain, listedSteps(steps), tables, null, aim);
  const all = loggedSteps(decision.log);
  // A frame without a pin hides what is stale, and would go on doing so.
  const seen = before.has("V06") && group.shows !== "V06" ? { skipHidden: false } : {};
  const whole: Candidate[] = [];
  const partial: HealsInPart[] = [];
  for (const repair of repairsFor(group.shows, group.isWeakOnly, context)) {
    if (!trials.mayTry()) break;
    const repaired = spliced(steps, repair.splices());
    const left = trials.decided(repaired, seen);
    const isLeftIn = (own: Violations): boolean => [...own].some((v) => isNoBetter(v.class, group, before));
    const isLeft = isLeftIn(left);
    if (repair.isLast && left.length > 0) continue;
    // A store that is made later in vain may be the last word on an entry then.
    if (repair.moves && [...left].some((v) => isVisible(v.class) && !before.has(v.class))) continue;
    if (isLeft && !(group.isWeakOnly && isShownIn(trials.decided(repaired, { mode: "strong" }), left)))
      continue;
    const candidateAt = (at: number): Candidate => {
      return { cause: repair.cause, step: stepOf({ ...repair, at }, numbers, all) };
    };
    // One place may be behind what other pages show, too.
    const isChosen = (at: number): boolean => chosen.has(key(candidateAt(at)));
    const alone = partToBlame(repair, isChosen, trials, (part) => {
      const own = trials.decided(spliced(steps, part.splices()), seen);
      return left.length === 0 ? own.length === 0 : !isLeftIn(own);
    });
    if (repair.needsPart === true && alone === null) continue;
    const candidate = candidateAt(alone ?? repair.at);
    if (left.length === 0) whole.push(candidate);
    else partial.push({ ...candidate, repaired, left });
  }
  if (whole.length === 0 && partial.length > 0) return partial;
  // Whether a repair that was not tried would have healed is not known.
  if (whole.length === 0) return trials.isCut ? [] : [{ cause: "plan", step: plannedStep(decision, group) }];
  if (!whole.every(({ cause }) => STRONGEST.has(cause))) return whole;
  return [...partial.filter((one) => isOneOfTwo(one, trials)), ...whole];
}

/** Of what a repair does in several places the one that heals alone, first of those that are `likely`; null where none does, or it is not known. */
function partToBlame(
  { parts }: Repair,
  isLikely: (at: number) => boolean,
  trials: PageTrials,
  heals: (part: RepairPart) => boolean,
): number | null {
  if (parts === undefined) return null;
  const all = [...parts()];
  const likely = all.filter(({ at }) => isLikely(at));
  for (const part of [...likely, ...all].slice(0, MAX_PARTS)) {
    if (!trials.mayTry()) return null;
    if (heals(part)) return part.at;
  }
  return null;
}

/** True iff one more of what is there, made stronger, heals the rest: then two are weak, each in a way of its own. */
function isOneOfTwo({ cause, repaired, left }: HealsInPart, trials: PageTrials): boolean {
  if (!STRONGER.has(cause)) return false;
  for (const repair of repairsFor([...left][0]!.class, false, trials.contextOf(repaired))) {
    if (!STRONGER.has(repair.cause)) continue;
    if (!trials.mayTry()) return false;
    if (trials.decided(spliced(repaired, repair.splices())).length === 0) return true;
  }
  return false;
}

/** True iff some violations show all classes that others do: what is left for want of a barrier is nothing then. */
function isShownIn(strong: Violations, weak: Violations): boolean {
  const classes = new Set([...strong].map((v) => v.class));
  return [...weak].every((v) => classes.has(v.class));
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
