import { setImmediate } from "node:timers/promises";
import type { Finding } from "../../check/index.ts";
import {
  CHECK_RESULT_SCHEMA_ID,
  type CheckedFinding,
  type CheckedStrategy,
  type CheckReport,
  isBaseline,
} from "../../report/index.ts";
import { hexPage, PAGE_SIZE_BYTES } from "../../units/index.ts";
import type { Strategy } from "../../vmm/index.ts";
import { requireFewEnough } from "../stress/refusal.ts";
import { type DecidedChange, decideChanges } from "./decide-changes.ts";
import type { CheckRunOptions } from "./options.ts";

/** Told of each change that was decided, while its tables can still be read. */
export type ChangeObserver = (strategy: string, change: DecidedChange) => void;

/**
 * Decides every map change of a sequence under each strategy, each on a kernel of its own without threads. An interrupted
 * run gives what was decided so far.
 *
 * Errors: StressError when the kernel refuses a map; CheckInputError when the checker cannot judge what it was given.
 */
export async function runCheck(options: CheckRunOptions, observe?: ChangeObserver): Promise<CheckReport> {
  requireFewEnough(options.sequence, options.strategies);
  const strategies: CheckedStrategy[] = [];
  for (const [index, strategy] of options.strategies.entries()) {
    if (options.signal?.aborted) break;
    strategies.push(await checkStrategy(options, strategy, index, observe));
  }
  const deciding = strategies.filter((s) => !s.baseline);
  const partial = options.signal?.aborted === true;
  const isBroken = deciding.some((s) => s.violations.length > 0 || s.crash !== null);
  return {
    schema: CHECK_RESULT_SCHEMA_ID,
    command: "check",
    verdict: isBroken ? "violation" : partial ? "inconclusive" : "clean",
    seed: options.seed,
    format: options.format,
    backing: options.backing,
    input: options.input,
    maps: options.sequence.steps.length,
    modes: [...options.modes],
    inject: options.mutant?.id ?? null,
    partial,
    strategies,
    violations: deciding.flatMap((s) => s.violations.map((v) => ({ ...v, strategy: s.name }))),
  };
}

async function checkStrategy(
  options: CheckRunOptions,
  strategy: Strategy,
  index: number,
  observe: ChangeObserver | undefined,
): Promise<CheckedStrategy> {
  const { name } = strategy;
  const maps = Math.max(1, options.sequence.steps.length - (options.cyclic ? 0 : 1));
  const sums = { changes: 0, ioctls: 0, scripts: 0, steps: 0, stores: 0, classes: 0, pages: 0 };
  let schedules = 0;
  let unneededStores = 0;
  let crash: string | null = null;
  const found = new Map<string, CheckedFinding>();
  const started = performance.now();
  for (const change of decideChanges(options, strategy, options.modes, { cyclic: options.cyclic ?? false })) {
    sums.changes++;
    sums.ioctls += change.ioctls;
    sums.scripts += change.scripts;
    sums.steps += change.results[0]!.stats.steps;
    sums.stores += change.results[0]!.stats.stores;
    for (const result of change.results) {
      sums.classes += result.classes;
      sums.pages += result.pages;
      schedules += result.schedules;
    }
    unneededStores += change.results[0]!.stats.unneededStores;
    crash ??= change.crash === null ? null : change.crash.message;
    for (const finding of change.findings) addFinding(found, finding, change, name, options);
    observe?.(name, change);
    options.onProgress?.({
      strategy: name,
      share: (index + sums.changes / maps) / options.strategies.length,
      changes: sums.changes,
      violations: found.size,
    });
    await setImmediate();
    if (options.signal?.aborted) break;
  }
  return {
    name,
    baseline: isBaseline(
      name,
      options.strategies.map((s) => s.name),
    ),
    ...sums,
    schedules,
    unneededStores,
    elapsedMs: performance.now() - started,
    crash,
    violations: [...found.values()],
  };
}

/** Findings of one class, cause and set of pages are one, however many changes show it. */
function addFinding(
  found: Map<string, CheckedFinding>,
  finding: Finding,
  change: DecidedChange,
  strategy: string,
  options: CheckRunOptions,
): void {
  const { step, pass, to } = change;
  const at = { step, label: to.label };
  const key = findingKey(finding);
  const known = found.get(key);
  if (known !== undefined) known.changes.push(at);
  else
    found.set(
      key,
      checkedFinding(
        finding,
        at,
        options.replay({ strategy, step, pass, class: finding.class, iovaPfn: finding.page ?? 0 }),
      ),
    );
}

/** The same for findings that differ in nothing but the change that shows them. */
export const findingKey = (finding: Finding): string => {
  const ranges = finding.ranges.map((r) => `${r.start}-${r.end}`);
  const about = finding.frames.length > 0 ? "pins" : "";
  return [finding.class, finding.shows, finding.cause, finding.domain, finding.mode, about, ...ranges].join(
    "|",
  );
};

/** A finding of the checker in the words of the report. */
export const checkedFinding = (
  finding: Finding,
  change: { readonly step: number; readonly label: string },
  replay: string,
): CheckedFinding => ({
  class: finding.class,
  shows: finding.shows,
  cause: finding.cause,
  causeStep: finding.causeStep,
  causeText: finding.causeText,
  mode: finding.mode,
  domain: finding.domain,
  iova: hexPage(finding.page ?? 0),
  pages: finding.pages,
  ranges: finding.ranges.map((r) => ({ iova: hexPage(r.start), bytes: (r.end - r.start) * PAGE_SIZE_BYTES })),
  access: finding.access,
  met: finding.met,
  rule: finding.rule,
  changes: [change],
  events: finding.events.map((e) => ({ ...e })),
  replay,
});
