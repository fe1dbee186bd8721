export type { FrameRelease, LiveStoreObserver, ScriptFilter, ScriptListener } from "./commit.ts";
export { Domain } from "./domain.ts";
export { ABSENT, type Entry, type Format } from "./format.ts";
export { FORMATS } from "./formats/index.ts";
export { Iommu, type MapRun, type PlannedChange } from "./iommu.ts";
export { type PhysicalRun, visitLeaves } from "./physical-runs.ts";
export { NO_FRAME, RunList } from "./run-list.ts";
export { TablePool, type TablePosition } from "./table-pool.ts";
