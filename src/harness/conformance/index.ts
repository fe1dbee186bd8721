export { type Comparison, compareRecording, type Difference } from "./compare.ts";
export {
  CONFORMANCE_SCHEMA_ID,
  type ConformanceResult,
  type KernelTotals,
  type ReplayOptions,
  replayRecordings,
} from "./conformance.ts";
export { DELIBERATE_DIFFERENCES, type DeliberateDifference } from "./deliberate-differences.ts";
export { type Recording, type RecordingFolder, readRecordings } from "./recordings.ts";
export { type Answer, formatRow, type Row } from "./row.ts";
export { runScript } from "./run-script.ts";
export { type Operation, parseScript, type Script } from "./script.ts";
export type { IommuVersion } from "./session.ts";
