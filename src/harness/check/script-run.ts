import {
  areUnlikeOldMap,
  type CallInput,
  CheckInputError,
  type CheckResult,
  callInputs,
  check,
  contradictionIn,
  type Finding,
  isChangeUnlikeOldMap,
  isSwitchUnlikeOldMap,
  type MemoryMode,
  type ViolationClass,
} from "../../check/index.ts";
import type { RecordedCall, Recording, ScriptFile } from "../../edit-script/index.ts";
import {
  CHECK_RESULT_SCHEMA_ID,
  type CheckedCall,
  type CheckedFinding,
  type CheckReport,
} from "../../report/index.ts";
import { checkedFinding, findingKey } from "./check-run.ts";
import { united } from "./united.ts";

/** Name under which a script that no strategy made is reported. */
const SCRIPT = "script";

/** What new tables show where they say of a page what those before them said, against their map. */
const ANSWERS: ReadonlySet<ViolationClass> = new Set(["V01", "V01b", "V02", "V03", "V05"]);

/** A recording with its verdict. */
export interface ScriptRun {
  readonly report: CheckReport;
  /** The script of the call that a finding is from. */
  scriptOf(finding: CheckedFinding): ScriptFile;
}

/**
 * Decides each call of a recording, with the tables and dirty bits that the calls before it leave. A call whose tables do not
 * say what the map says is not decided if an earlier one is to blame, nor is any after it.
 *
 * Errors: CheckInputError, whose sentence names the call.
 */
export function runScriptCheck(
  recording: Recording,
  name: string,
  modes: readonly MemoryMode[],
  replay: string,
): ScriptRun {
  const started = performance.now();
  const found = new Map<string, CheckedFinding>();
  const scripts = new Map<number, () => ScriptFile>();
  const calls: CheckedCall[] = [];
  const sums = { steps: 0, stores: 0, classes: 0, pages: 0, schedules: 0, unneededStores: 0 };
  let number = 0;
  const weakest = modes.includes("weak") ? "weak" : "strong";
  for (const { file, input, alone } of callInputs(recording, weakest)) {
    if (found.size > 0 && isChangeUnlikeOldMap(input)) break;
    const call = recording.calls[number++]!;
    const results = decided(input, modes, call, number);
    const [first] = results;
    let mismatch = results.find((r) => r.mismatch !== null)?.mismatch ?? null;
    if (mismatch !== null && found.size > 0) break;
    const findings = united(results);
    if (found.size > 0 && isInherited(findings, input)) break;
    // What is given is looked at as a whole once; from then on only where the calls change it.
    if (number === 1) mismatch ??= contradictionIn({ ...input, oldMap: file.oldMap, newMap: file.newMap });
    let isNew = false;
    for (const finding of findings) {
      const at = placed(finding, { step: number, label: call.label, line: call.line }, file, replay);
      const key = findingKey(finding);
      const known = found.get(key);
      if (known === undefined) found.set(key, at);
      else known.changes.push(...at.changes);
      isNew ||= known === undefined;
    }
    // Of a finding the script of the first call that shows it is asked for; to make it takes as long as maps and tables are.
    if (isNew) scripts.set(number, alone);
    const { steps, stores, unneededStores } = first!.stats;
    for (const result of results) {
      sums.classes += result.classes;
      sums.pages += result.pages;
      sums.schedules += result.schedules;
    }
    sums.steps += steps;
    sums.stores += stores;
    sums.unneededStores += unneededStores;
    calls.push({
      ...unjudged(call, number, file),
      verdict: findings.length > 0 ? "violation" : "clean",
      classes: [...new Set(findings.map((f) => f.class))],
      stores,
      pages: first!.pages,
      mismatch,
    });
  }
  const decidedCalls = calls.length;
  for (const [i, call] of recording.calls.entries())
    if (i >= decidedCalls) calls.push(unjudged(call, i + 1, call));
  const violations = [...found.values()];
  const elapsedMs = performance.now() - started;
  const strategy = { name: SCRIPT, baseline: false, changes: decidedCalls, ioctls: 0, scripts: decidedCalls };
  return {
    report: {
      schema: CHECK_RESULT_SCHEMA_ID,
      command: "check",
      verdict: violations.length > 0 ? "violation" : "clean",
      seed: 0,
      format: recording.capability.name,
      backing: null,
      input: name,
      maps: recording.calls.length + 1,
      modes: [...modes],
      inject: null,
      partial: false,
      strategies: [{ ...strategy, ...sums, elapsedMs, crash: null, violations }],
      violations: violations.map((v) => ({ ...v, strategy: SCRIPT })),
      calls,
    },
    scriptOf: (finding) => scripts.get(finding.changes[0]!.step)!(),
  };
}

/** True iff findings may be nothing but copies of what an earlier call left wrong: anywhere below a new root, or on each of their pages. */
function isInherited(findings: readonly Finding[], input: CallInput["input"]): boolean {
  const isAnswer = ({ shows }: Finding): boolean => ANSWERS.has(shows);
  if (!findings.some(isAnswer)) return false;
  if (isSwitchUnlikeOldMap(input)) return true;
  return findings.every(
    (finding) => isAnswer(finding) && areUnlikeOldMap(input, finding.domain, finding.ranges),
  );
}

function decided(
  input: CallInput["input"],
  modes: readonly MemoryMode[],
  { line }: RecordedCall,
  number: number,
): CheckResult[] {
  try {
    return modes.map((mode) => check(input, { mode }));
  } catch (error) {
    if (error instanceof CheckInputError && line > 0)
      throw new CheckInputError(`call ${number} in line ${line}: ${error.message}`);
    throw error;
  }
}

/** A finding with the lines of the file that its steps stand in. */
function placed(
  finding: Finding,
  { step, label, line }: { readonly step: number; readonly label: string; readonly line: number },
  { stepLines, domains }: ScriptFile,
  replay: string,
): CheckedFinding {
  const lineOf = (at: number): { line?: number } => {
    const found = stepLines[at - 1];
    return found === undefined ? {} : { line: found };
  };
  const plain = checkedFinding(finding, { step, label }, replay);
  const cause = lineOf(finding.causeStep).line;
  return {
    ...plain,
    ...(cause === undefined ? {} : { causeLine: cause }),
    ...(domains.length > 1 && { domains: domains.length }),
    changes: [line > 0 ? { step, label, line } : { step, label }],
    events: plain.events.map((event) => ({
      ...event,
      ...lineOf(event.step),
      text: event.text.replace(/\bstep (\d+)\b/g, (as, at) => {
        const found = lineOf(Number(at)).line;
        return found === undefined ? as : `line ${found}`;
      }),
    })),
  };
}

const unjudged = (
  { label, line }: RecordedCall,
  call: number,
  { script }: Pick<ScriptFile, "script">,
): CheckedCall => ({
  call,
  label,
  line,
  verdict: "undecided",
  classes: [],
  steps: script.steps,
  stores: 0,
  pages: 0,
  mismatch: null,
});
