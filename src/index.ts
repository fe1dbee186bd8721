/** What a program needs to run and judge memory-map sequences by itself; the emulated kernel is at `hitless/kernel`. */
export { MUTANTS, type Mutant } from "./check/mutants/index.ts";
export { CAPABILITIES, type Capability } from "./edit-script/index.ts";
export { runStress, StressError, type StressOptions, type StressProgress } from "./harness/index.ts";
export * from "./report/index.ts";
export * from "./vmm/index.ts";
