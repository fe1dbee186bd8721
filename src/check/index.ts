export { type AroundPages, aroundPages, mapWithin } from "./around-pages.ts";
export { check } from "./check.ts";
export { contradictionIn } from "./contradictions.ts";
export { type PrintOptions, printCounterexample, type Replay } from "./counterexample.ts";
export { Decision } from "./decide.ts";
export { type CallInput, callInputs } from "./dirty/call-inputs.ts";
export { type Drifts, driftsOf, isAmong } from "./drifts.ts";
export type { CheckResult, CheckStats, Finding, InterleavingEvent } from "./finding.ts";
export { FrameSet } from "./frame-set.ts";
export type { CheckedCapability } from "./geometry.ts";
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
export type { PageRange } from "./interest.ts";
export { ListedMaps, type MapReader, type MapSide } from "./map-reader.ts";
export { MapRuns } from "./map-runs.ts";
export { type Outcome, outcomesOf } from "./outcomes.ts";
export { firstEndingAfter, oneRange, pagesIn, RangeList, type Ranges, union } from "./ranges.ts";
export { callsOf, inputOf } from "./script-file.ts";
export { unlikeOldMap } from "./unlike-old-map.ts";
export { CAUSES, type Cause, RULES, type ViolationClass } from "./violation-class.ts";
export { WeightedRuns } from "./weighted-runs.ts";
