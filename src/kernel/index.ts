export { FaultInjector, type FaultSite, KernelBug } from "./fault-injection.ts";
export type { FileOps, OpenFile } from "./file.ts";
export { BootError, type GroupOptions, Kernel, type KernelOptions } from "./kernel.ts";
export { type MmapRequest, SharedMemory } from "./mm/mmap-request.ts";
export type { FrameLayout, MemoryKind } from "./mm/types.ts";
export { PERSONALITIES, type Personality } from "./personality.ts";
export { type MmapOptions, Process, SegmentationFault } from "./process.ts";
export { Container, DeviceFile, Group, type Mapping, Type1 } from "./vfio/index.ts";
