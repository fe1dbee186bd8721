export { type FuzzCase, fuzzCases, mapsOf, SWEEP } from "./fuzz-case.ts";
export { FuzzFailure, runFuzzCase } from "./fuzz-machine.ts";
export { foundReport, fuzzReport } from "./fuzz-report.ts";
export {
  FUZZ_BATCH,
  type FuzzFound,
  type FuzzOptions,
  type FuzzOutcome,
  replayFuzzCase,
  runFuzz,
} from "./fuzz-run.ts";
export { FuzzTotals } from "./fuzz-totals.ts";
export { SHAPES, type Shape } from "./shapes.ts";
