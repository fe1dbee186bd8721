export {
  CHECK_RESULT_SCHEMA_ID,
  type CheckedCall,
  type CheckedFinding,
  type CheckedStrategy,
  type CheckReport,
  checkedFindingSchema,
  checkResultJsonSchema,
  checkResultSchema,
  checkToJson,
} from "./check-result.ts";
export {
  checkHeading,
  checkToTerminal,
  checkVerdictSentence,
  counterexample,
  firstOfEachClass,
  powerOfTen,
  provedSentence,
} from "./check-terminal.ts";
export { interleavingTable, type ShownEvent } from "./columns.ts";
export { formatBytes, formatShare, groupDigits, plural } from "./figures.ts";
export {
  FUZZ_RESULT_SCHEMA_ID,
  type FuzzReport,
  fuzzFindingText,
  fuzzResultJsonSchema,
  fuzzResultSchema,
  fuzzToJson,
  fuzzToTerminal,
} from "./fuzz-result.ts";
export { runResultJsonSchema, toJson } from "./json.ts";
export {
  KILL_MATRIX_SCHEMA_ID,
  type KillMatrix,
  type KillRow,
  killFigures,
  killMatrixJsonSchema,
  killMatrixSchema,
  killMatrixToJson,
  killMatrixToTerminal,
  rowResult,
} from "./kill-matrix.ts";
export { MUTANT_TABLE_MARKS, mutantTable } from "./mutant-table.ts";
export { type Paint, PLAIN } from "./paint.ts";
export {
  type Grade,
  type OutcomeRow,
  type Proved,
  RUN_RESULT_SCHEMA_ID,
  type RunResult,
  runResultSchema,
  type StrategyResult,
  type Verdict,
  type Violation,
} from "./run-result.ts";
export { type Column, hanging, textTable, wrap } from "./table.ts";
export { runHeading, type TerminalOptions, toTerminal } from "./terminal.ts";
export {
  BASELINE,
  decideVerdict,
  EXIT_OF_VERDICT,
  forbiddenSamples,
  hasViolation,
  isBaseline,
} from "./verdict.ts";
