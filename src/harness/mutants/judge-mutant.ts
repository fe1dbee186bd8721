import type { Finding, MemoryMode } from "../../check/index.ts";
import type { CallMutant, CallRecord, Mutant } from "../../check/mutants/index.ts";
import { CACHE_IOTLB, CACHE_WALK, CACHES_ALL } from "../../edit-script/index.ts";
import { plural } from "../../report/index.ts";
import { hexPage } from "../../units/index.ts";
import { type Scenario, STRATEGIES } from "../../vmm/index.ts";
import { concurrentCalls, decideCall } from "./decide-call.ts";
import { type PlannedCall, PlannedCalls } from "./planned-calls.ts";

/** One violation that a broken kernel shows. */
export interface MutantFinding {
  readonly class: string;
  readonly cause: string | null;
  /** The map change and what was met, in words. */
  readonly text: string;
}

/** What a mutant did to the calls of its scenario. */
export interface MutantVerdict {
  /** Calls it altered. */
  readonly changes: number;
  readonly findings: readonly MutantFinding[];
}

/** Where a scenario is judged. */
export interface JudgeOptions {
  readonly scenario: Scenario;
  /** Name of the IOMMU profile. */
  readonly format: string;
  readonly mode: MemoryMode;
  readonly seed: number;
  /** How the map is changed; in place unless told otherwise. */
  readonly strategy?: "set-map" | "epoch";
  /** Have dirty pages reported after each change, and judge that as well. */
  readonly reports?: boolean;
  /** IOMMUs that the container's devices are behind; default 1. */
  readonly units?: number;
}

const machine = ({ scenario, strategy = "set-map", ...how }: JudgeOptions): PlannedCalls =>
  new PlannedCalls({ ...how, sequence: scenario.sequence, backing: scenario.backing, strategy });

/**
 * Decides what each change of a scenario would be with a mutant of the edit script. Every change starts from correct tables:
 * the machine itself runs what was planned, so that one broken change does not taint the next.
 *
 * Without a mutant this is the control: it must find nothing.
 */
export function judgeScriptMutant(mutant: Mutant | null, options: JudgeOptions): MutantVerdict {
  const findings: MutantFinding[] = [];
  let changes = 0;
  machine(options).cycle((planned) => {
    const { call, context } = planned;
    const script = mutant === null ? call.script : mutant.rewrite(call.script, context);
    if (mutant !== null && script === call.script) return;
    changes++;
    findings.push(...judgeCalls(planned, [call], { ...call, script }, options));
  });
  return { changes, findings };
}

/** Decides what the calls of a scenario would be with a mutant of whole calls. */
export function judgeCallMutant(mutant: CallMutant, options: JudgeOptions): MutantVerdict {
  const { calls } = mutant;
  const findings: MutantFinding[] = [];
  let changes = 0;
  const judge = (planned: PlannedCall, others: readonly CallRecord[]): void => {
    const all = [planned.call, ...others];
    const broken = mutant.rewriteCalls(all, planned.context);
    if (broken === null) return;
    changes++;
    findings.push(...judgeCalls(planned, all, broken, options));
  };
  if (calls === undefined) machine(options).cycle((planned) => judge(planned, []));
  else concurrentCalls(calls, () => machine(options), judge);
  return { changes, findings };
}

function judgeCalls(
  planned: PlannedCall,
  asked: readonly CallRecord[],
  broken: CallRecord,
  { mode, strategy = "set-map" }: JudgeOptions,
): MutantFinding[] {
  const { isEpoch = false } = STRATEGIES.get(strategy)!;
  // Devices that keep translations of their own cannot have epoch mode.
  const deviceCaches = isEpoch ? CACHE_IOTLB | CACHE_WALK : CACHES_ALL;
  const { rule, results } = decideCall(planned, asked, broken, [mode], { isEpoch, deviceCaches });
  if (rule !== null) return [{ class: rule.class, cause: null, text: said(planned, rule.met) }];
  return results[0]!.findings.map((finding) => ({
    class: finding.class,
    cause: finding.cause,
    text: said(planned, inWords(finding)),
  }));
}

const said = ({ from, to }: PlannedCall, text: string): string => `'${from}' to '${to}': ${text}`;

const inWords = (f: Finding): string =>
  `${f.class}${f.cause === null ? "" : ` (${f.cause}${f.causeStep > 0 ? ` at step ${f.causeStep}` : ""})`}` +
  `${f.page === null ? "" : ` on ${plural(f.pages, "page")} from ${hexPage(f.page)}`}: ${f.met}`;
