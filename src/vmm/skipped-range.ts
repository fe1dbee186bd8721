import type { Origin } from "./input-error.ts";

/** Why QEMU's VFIO listener does not map a section for DMA. */
export type SkipReason =
  | "not RAM" /* i/o, IOMMU regions and rom devices: there is no memory to translate to */
  | "address bit 63 set" /* a 64-bit BAR while its size is being probed */
  | "unaligned" /* address and offset disagree in their position within a page */
  | "no whole page" /* nothing is left after rounding inwards to pages */
  | "translated by a vIOMMU" /* QEMU maps what the guest's IOMMU maps, not the region */
  | "not mappable for DMA" /* QEMU said so itself in a trace */
  | "skipped by QEMU"; /* the trace says that, and not why */

/** A range of the source that a device cannot reach. Bytes, `last` inclusive; `name` is empty where the source has none. */
export interface SkippedRange {
  readonly start: bigint;
  readonly last: bigint;
  readonly name: string;
  readonly kind: string;
  readonly reason: SkipReason;
  readonly origin: Origin;
}
