export { type GroupRef, type MapReport, VfioContainer } from "./container.ts";
export {
  BACKING_KINDS,
  type BackingKind,
  type GuestBacking,
  GuestMemory,
  type GuestOptions,
} from "./guest.ts";
export { detectKind, type InputKind, importText } from "./importers/detect.ts";
export { importListenerTrace } from "./importers/listener-trace.ts";
export { parseMapFile, printMapFile } from "./importers/map-file.ts";
export { importMtree, importMtreeFolder, type MtreeOptions } from "./importers/mtree-sequence.ts";
export { formatOrigin, InputError, type Origin } from "./input-error.ts";
export { loadInput, loadPaths } from "./load-input.ts";
export * from "./map-delta.ts";
export * from "./memory-map.ts";
export { SCENARIOS, type Scenario } from "./scenarios/index.ts";
export type { SkippedRange, SkipReason } from "./skipped-range.ts";
export * from "./strategies/index.ts";
export { VmmError } from "./vmm-error.ts";
