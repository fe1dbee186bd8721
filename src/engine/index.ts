export { createEngine, openEngine } from "./engine.ts";
export * from "./types.ts";
