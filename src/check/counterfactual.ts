import { decodeStep, EditScript, type Step } from "../edit-script/index.ts";
import { type DecideOptions, Decision } from "./decide.ts";
import type { Group } from "./groups.ts";
import { repairsFor } from "./repairs.ts";
import type { Cause } from "./violation-class.ts";

/** Trials one finding may cost, and steps a page's history may have, before its cause is left unnamed. */
const MAX_TRIALS = 200;
const MAX_STEPS = 4096;

/** Classes whose cause needs no trial. */
const CAUSE_BY_CLASS: Readonly<Partial<Record<string, Cause>>> = {
  V08: "split-store",
  V13: "plan",
  V16: "split-store",
};

/**
 * Names the cause of a violation by counterfactual replay: the script is decided again, for one page, with one ideal event
 * in it. The first repair that heals the page is the cause; a page that none heals was planned wrongly.
 */
export function nameCause(decision: Decision, group: Group, options: DecideOptions): void {
  const known = CAUSE_BY_CLASS[group.class];
  if (known !== undefined) {
    group.cause = known;
    group.causeStep = group.example.step;
    return;
  }
  const page = { domain: group.domain, start: group.example.start, end: group.example.start + 1 };
  const history = pageHistory(decision, page, options);
  if (history === null) return;
  const { steps, numbers, tables } = history;
  const { geometry, input } = decision;
  const domain = input.domains.find((d) => d.id === group.domain)!;
  const context = {
    steps,
    domain: group.domain,
    pages: geometry.tableSpan(domain.levels - 1),
    isCoherent: input.capability.coherentWalk,
    tables,
    entries: geometry.entries,
  };
  const weakOnly = group.class === "V15";
  let trials = 0;
  for (const repair of repairsFor(group.shows, weakOnly, context)) {
    if (++trials > MAX_TRIALS) break;
    const trial = new Decision({ ...input, script: EditScript.from(repair.apply()) });
    const left = trial.violations({ ...options, only: page });
    if (left.some((v) => v.class === group.class || v.class === group.shows)) continue;
    group.cause = repair.cause;
    group.causeStep = numbers[repair.at] ?? 0;
    return;
  }
  group.cause = "plan";
  group.causeStep = group.example.step;
}

/** The steps that matter to one page: those that order, and writes to tables its walks pass through. */
function pageHistory(
  decision: Decision,
  page: { domain: number; start: number; end: number },
  options: DecideOptions,
): { steps: Step[]; numbers: number[]; tables: number[] } | null {
  const tables = decision.tablesOn(page, options);
  const { log } = decision;
  const steps: Step[] = [];
  const numbers: number[] = [];
  for (let k = 0; k < log.steps; k++) {
    const at = log.records[k]!;
    const op = log.words[at]! & 0xff;
    const isWrite = op === 1 || op === 2 || op === 4 || (op >= 5 && op <= 7);
    if (isWrite && !tables.has(log.words[at + 2]!)) continue;
    if (steps.length === MAX_STEPS) return null;
    steps.push(decodeStep(log.words, at));
    numbers.push(k + 1);
  }
  return { steps, numbers, tables: [...tables] };
}
