import { decodeStep, EditScript, type Step } from "../edit-script/index.ts";
import type { DecideOptions, Decision } from "./decide.ts";
import { callsOfTrial } from "./dirty/trial-calls.ts";
import type { Group } from "./groups.ts";
import type { RawViolation } from "./judge.ts";
import { RangeList, type Ranges, touches } from "./ranges.ts";
import { repairsFor } from "./repairs.ts";
import { contextOf, isNoBetter } from "./trial.ts";
import type { Cause, ViolationClass } from "./violation-class.ts";

/** Causes that are tried on all groups: each takes one decision of the whole script. */
const MAX_SHARED = 3;
/** Steps times calls that a trial may have to sort. */
const MAX_SORTED = 10_000_000;

/** A repair that healed some groups, and one of them. */
interface Healing {
  readonly like: Group;
  readonly cause: Cause;
  readonly step: number;
  groups: number;
}

/**
 * Names causes where too many groups are found to look into each: the whole script is decided again with the repair that healed
 * most of those looked into, then with the next, and what that heals has this cause. `plan` is no repair, and nothing is known
 * to have it without a look.
 */
export function shareCauses(
  decision: Decision,
  named: readonly Group[],
  unnamed: readonly Group[],
  options: DecideOptions,
): void {
  const { log, input } = decision;
  const healings = mostFirst(named).slice(0, MAX_SHARED);
  if (healings.length === 0) return;
  if (log.steps * (input.calls?.spans.length ?? 1) > MAX_SORTED) return;
  const steps = Array.from({ length: log.steps }, (_, k) => decodeStep(log.words, log.records[k]!));
  const tables = [...log.logs()].map(({ table }) => table);
  let left = unnamed;
  for (const healing of healings) {
    const own = left.filter(({ domain }) => domain === healing.like.domain);
    if (own.length === 0) continue;
    const repaired = repairedBy(decision, healing, steps, tables);
    if (repaired === null) continue;
    const numbers = steps.map((_, k) => k + 1);
    const calls = input.calls ? callsOfTrial(input.calls, steps, numbers, repaired) : null;
    const trial = decision.withScript(EditScript.from(repaired), calls);
    const remains = pagesByClass(trial.violations(options), healing.like.domain);
    const isHealed = (group: Group): boolean =>
      ![...remains].some(
        ([kind, pages]) =>
          isNoBetter(kind, group) && group.ranges.some(({ start, end }) => touches(pages, start, end)),
      );
    for (const group of own)
      if (isHealed(group)) [group.cause, group.causeStep] = [healing.cause, healing.step];
    left = left.filter(({ cause }) => cause === null);
  }
}

function mostFirst(named: readonly Group[]): Healing[] {
  const healings = new Map<string, Healing>();
  for (const group of named) {
    if (group.cause === null || group.cause === "plan") continue;
    const key = `${group.domain} ${group.cause} ${group.causeStep}`;
    const known = healings.get(key);
    if (known !== undefined) known.groups++;
    else healings.set(key, { like: group, cause: group.cause, step: group.causeStep, groups: 1 });
  }
  return [...healings.values()].sort((a, b) => b.groups - a.groups);
}

/** The whole script with the repair that healed a part of it. */
function repairedBy(
  decision: Decision,
  { like, cause, step }: Healing,
  steps: readonly Step[],
  tables: readonly number[],
): Step[] | null {
  const context = contextOf(decision, like.domain, steps, tables);
  for (const repair of repairsFor(like.shows, like.class === "V15", context))
    if (repair.cause === cause && repair.at + 1 === step) return repair.apply();
  return null;
}

function pagesByClass(violations: readonly RawViolation[], domain: number): Map<ViolationClass, Ranges> {
  const lists = new Map<ViolationClass, RangeList>();
  for (const { class: kind, domain: own, start, end } of violations) {
    if (own !== domain) continue;
    let list = lists.get(kind);
    if (list === undefined) lists.set(kind, (list = new RangeList()));
    list.push(start, end);
  }
  return new Map([...lists].map(([kind, list]) => [kind, list.union()]));
}
