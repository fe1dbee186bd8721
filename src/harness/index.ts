export * from "./check/index.ts";
export { DevicePool, DeviceThreadError } from "./device-pool.ts";
export * from "./fuzz/index.ts";
export { type KillMatrixOptions, killMatrix } from "./mutants/kill-matrix.ts";
export { StressError, type StressOptions, type StressProgress } from "./stress/options.ts";
export { runStress } from "./stress/stress.ts";
