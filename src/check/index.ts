export { check } from "./check.ts";
export { type PrintOptions, printCounterexample, type Replay } from "./counterexample.ts";
export { Decision } from "./decide.ts";
export type { CheckResult, CheckStats, Finding, InterleavingEvent } from "./finding.ts";
export type { CheckedCapability } from "./geometry.ts";
export {
  type CallSpan,
  type ChangeCalls,
  type CheckInput,
  CheckInputError,
  type CheckOptions,
  type MemoryMode,
  type TablesBefore,
} from "./input.ts";
export type { PageRange } from "./interest.ts";
export { type Outcome, outcomesOf } from "./outcomes.ts";
export { inputOf } from "./script-file.ts";
export { CAUSES, type Cause, RULES, type ViolationClass } from "./violation-class.ts";
