import { callFinding, judgeConcurrentCalls, judgeFailedCall } from "../../check/calls/whole-calls.ts";
import {
  type CheckInput,
  type CheckResult,
  check,
  type Finding,
  type MemoryMode,
} from "../../check/index.ts";
import type { CallMutant, CallRecord } from "../../check/mutants/index.ts";
import type { PlannedCall, PlannedCalls } from "./planned-calls.ts";

/** What a broken kernel makes of a call, decided. */
export interface DecidedCall {
  readonly input: CheckInput;
  /** One result a mode. */
  readonly results: readonly CheckResult[];
  /** A rule about whole calls that is broken. It comes first: what breaks it is no way of carrying out what was asked for. */
  readonly rule: Finding | null;
}

/**
 * Decides a call as a broken kernel makes it of the correct ones that were `asked` for, planned on one map. `promise` is
 * what the caller was promised beyond a change in place, and by which caches.
 */
export function decideCall(
  { before }: PlannedCall,
  asked: readonly CallRecord[],
  broken: CallRecord,
  modes: readonly MemoryMode[],
  promise: Pick<CheckInput, "isEpoch" | "deviceCaches"> = {},
): DecidedCall {
  const { errno, script, pinned, oldMap } = broken;
  const newMap = errno < 0 ? oldMap : broken.newMap;
  const pins = [...before.pins, ...pinned];
  const input: CheckInput = { ...before, ...promise, script, oldMap, newMap, pins };
  const rule =
    errno < 0
      ? judgeFailedCall(before, pinned, script)
      : asked.length > 1
        ? judgeConcurrentCalls(
            before,
            pinned,
            script,
            asked.map((call) => call.newMap),
          )
        : null;
  return {
    input,
    results: modes.map((mode) => check(input, { mode })),
    rule: rule === null ? null : callFinding(rule, before.domains[0]?.id ?? 0),
  };
}

/** Table pages that a second machine leaves out, so that two calls planned on the same map build different ones. */
const TABLES_APART = 64;

/** Plans calls that run at the same time, each on a machine of its own, and shows the first together with the others. */
export function concurrentCalls(
  { from, to }: NonNullable<CallMutant["calls"]>,
  machine: () => PlannedCalls,
  visit: (first: PlannedCall, others: readonly CallRecord[]) => void,
): void {
  const at = (): PlannedCalls => {
    const fresh = machine();
    for (let i = 0; i <= from; i++) fresh.go(i);
    return fresh;
  };
  const [first, ...rest] = to;
  const others = rest.map((index, i) => {
    let record: CallRecord | null = null;
    const other = at();
    other.takeTables((i + 1) * TABLES_APART);
    other.go(index, ({ call }) => {
      record = call;
    });
    return record!;
  });
  at().go(first!, (planned) => visit(planned, others));
}
