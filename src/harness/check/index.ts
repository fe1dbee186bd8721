export { type ChangeObserver, checkedFinding, runCheck } from "./check-run.ts";
export {
  type Counterexample,
  CounterexampleError,
  parseCounterexample,
  printCounterexample,
} from "./counterexample-file.ts";
export { type DecidedChange, decideChanges } from "./decide-changes.ts";
export type { CheckCase, CheckProgress, CheckRunOptions, FoundAt } from "./options.ts";
export { type Replayed, type ReplayTarget, replayChange } from "./replay-change.ts";
export { scriptFileOf } from "./script-file.ts";
export { runScriptCheck } from "./script-run.ts";
export { type ShrinkTarget, type ShrunkMaps, shrinkMaps } from "./shrink-maps.ts";
export { shrinkScript } from "./shrink-script.ts";
export type { ShrinkBudget } from "./smaller.ts";
export {
  type ChangeToken,
  decodeToken,
  encodeToken,
  type FuzzToken,
  type ReplayToken,
  sequenceHash,
} from "./token.ts";
export { TokenError } from "./token-bytes.ts";
