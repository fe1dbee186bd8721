export {
  type AllowedOutcomes,
  allowedOutcomes,
  isAllowed,
  type ObservedOutcome,
  outcomeUnder,
} from "./allowed.ts";
export { changesNothing, compareMaps, type MapDelta, type PageRange, pagesIn } from "./delta.ts";
export { type FrameRun, FrameRuns, type FrameSource } from "./frames.ts";
export { ModelMap, type Translation } from "./model-map.ts";
export {
  canonicalRegions,
  firstRegionEndingAfter,
  ModelError,
  type ModelRegion,
  sameRegions,
} from "./region.ts";
