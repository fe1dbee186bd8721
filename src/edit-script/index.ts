export { CAPABILITIES, type Capability } from "./capability.ts";
export * from "./records.ts";
export * from "./script.ts";
export * from "./steps.ts";
export * from "./text.ts";
export { parseScript } from "./text-parse.ts";
