export { abandonDevice, setControl } from "./block.ts";
export { BARE_DEVICE, CACHING_DEVICE, configureDevice, type DeviceConfig } from "./config.ts";
export { type DeviceThreadData, openMachine, runAlone, serveDevice } from "./device-thread.ts";
export {
  beginChange,
  cancelChange,
  endChange,
  HELD_VERSIONS,
  type OracleRegion,
  publishMap,
  readEpoch,
} from "./oracle.ts";
export { type Grade, OUTCOME_IDS, OUTCOMES, type OutcomeId, type OutcomeSpec } from "./outcomes.ts";
export { MAX_PATTERN_RANGES, type PatternRange, publishPattern } from "./pattern.ts";
export { awaitProgress, whenRunning } from "./progress.ts";
export {
  type Answer,
  type DeviceResult,
  readResult,
  STATISTICS,
  type Statistic,
  type ViolationSample,
} from "./results.ts";
