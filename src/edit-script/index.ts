export { CAPABILITIES, type Capability } from "./capability.ts";
export * from "./script.ts";
export * from "./steps.ts";
