export { callScripts, tableContents } from "./call-scripts.ts";
export { CAPABILITIES, type Capability } from "./capability.ts";
export * from "./recording.ts";
export * from "./records.ts";
export * from "./script.ts";
export * from "./steps.ts";
export { tableRuns } from "./table-runs.ts";
export * from "./text.ts";
export { parseRecording, parseScript } from "./text-parse.ts";
