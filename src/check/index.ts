export { type AroundPages, aroundPages, mapWithin } from "./calls/around-pages.ts";
export { type CallInput, callInputs } from "./calls/call-inputs.ts";
export { contradictionIn } from "./calls/contradictions.ts";
export { type Drifts, driftsOf, isAmong } from "./calls/drifts.ts";
export { callsOf, inputOf } from "./calls/script-file.ts";
export {
  areUnlikeOldMap,
  isChangeUnlikeOldMap,
  isSwitchUnlikeOldMap,
  unlikeOldMap,
} from "./calls/unlike-old-map.ts";
export { check } from "./check.ts";
export { Decision } from "./decide.ts";
export type { CheckedCapability } from "./entries/geometry.ts";
export { type PrintOptions, printCounterexample, type Replay } from "./explain/counterexample.ts";
export type { CheckResult, CheckStats, Finding, InterleavingEvent } from "./finding.ts";
export {
  type CallSpan,
  type ChangeCalls,
  type CheckedScript,
  type CheckInput,
  CheckInputError,
  type CheckOptions,
  type MemoryMode,
  type ReaderInput,
  type TablesBefore,
} from "./input.ts";
export { firstEndingAfter, oneRange, pagesIn, RangeList, type Ranges, union } from "./lists/ranges.ts";
export { FrameSet } from "./maps/frame-set.ts";
export type { PageRange } from "./maps/interest.ts";
export { ListedMaps, type MapReader, type MapSide } from "./maps/map-reader.ts";
export { MapRuns } from "./maps/map-runs.ts";
export { WeightedRuns } from "./maps/weighted-runs.ts";
export { type Outcome, outcomesOf } from "./outcomes.ts";
export { CAUSES, type Cause, RULES, type ViolationClass } from "./rules/violation-class.ts";
