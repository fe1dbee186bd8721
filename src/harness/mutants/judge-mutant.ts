import { judgeConcurrentCalls, judgeFailedCall } from "../../check/calls.ts";
import { type CheckInput, check, type Finding, type MemoryMode } from "../../check/index.ts";
import type { CallMutant, CallRecord, Mutant } from "../../check/mutants/index.ts";
import type { EditScript } from "../../edit-script/index.ts";
import { hexPage } from "../../units/index.ts";
import type { Scenario } from "../../vmm/index.ts";
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
}

/** Table pages that a second machine leaves out, so that two calls planned on the same map build different ones. */
const TABLES_APART = 64;

const machine = ({ scenario, format, seed }: JudgeOptions): PlannedCalls =>
  new PlannedCalls({ sequence: scenario.sequence, backing: scenario.backing, format, seed });

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
    findings.push(...judgeScript(planned, call, script, options.mode));
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
    findings.push(...judgeCalls(planned, all, broken, options.mode));
  };
  if (calls === undefined) {
    machine(options).cycle((planned) => judge(planned, []));
    return { changes, findings };
  }
  const [first, ...rest] = calls.to;
  const others = rest.map((to, i) => {
    let record: CallRecord | null = null;
    const other = at(machine(options), calls.from);
    other.takeTables((i + 1) * TABLES_APART);
    other.go(to, ({ call }) => {
      record = call;
    });
    return record!;
  });
  at(machine(options), calls.from).go(first!, (planned) => judge(planned, others));
  return { changes, findings };
}

/** A machine that has gone through the scenario up to a map. */
function at(fresh: PlannedCalls, index: number): PlannedCalls {
  for (let i = 0; i <= index; i++) fresh.go(i);
  return fresh;
}

/** The rules about whole calls come first: what breaks them is not a way of carrying out what was asked for. */
function judgeCalls(
  planned: PlannedCall,
  asked: readonly CallRecord[],
  broken: CallRecord,
  mode: MemoryMode,
): MutantFinding[] {
  const { before } = planned;
  if (broken.errno < 0) {
    const finding = judgeFailedCall(before, broken.pinned, broken.script);
    if (finding !== null) return [{ class: finding.class, cause: null, text: said(planned, finding.met) }];
    return judgeScript(planned, { ...broken, newMap: broken.oldMap }, broken.script, mode);
  }
  if (asked.length > 1) {
    const targets = asked.map((call) => call.newMap);
    const finding = judgeConcurrentCalls(before, broken.pinned, broken.script, targets);
    if (finding !== null) return [{ class: finding.class, cause: null, text: said(planned, finding.met) }];
  }
  return judgeScript(planned, broken, broken.script, mode);
}

function judgeScript(
  planned: PlannedCall,
  { oldMap, newMap, pinned }: CallRecord,
  script: EditScript,
  mode: MemoryMode,
): MutantFinding[] {
  const { before } = planned;
  const input: CheckInput = { ...before, script, oldMap, newMap, pins: [...before.pins, ...pinned] };
  return check(input, { mode }).findings.map((finding) => ({
    class: finding.class,
    cause: finding.cause,
    text: said(planned, inWords(finding)),
  }));
}

const said = ({ from, to }: PlannedCall, text: string): string => `'${from}' to '${to}': ${text}`;

const inWords = (f: Finding): string =>
  `${f.class}${f.cause === null ? "" : ` (${f.cause}${f.causeStep > 0 ? ` at step ${f.causeStep}` : ""})`}` +
  `${f.page === null ? "" : ` on ${f.pages} pages from ${hexPage(f.page)}`}: ${f.met}`;
