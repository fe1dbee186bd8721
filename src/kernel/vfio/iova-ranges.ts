import type { Domain } from "../iommu/index.ts";

/** Usable IOVA pages [startPfn, endPfn). */
export interface IovaRange {
  readonly startPfn: number;
  readonly endPfn: number;
}

/** The window where x86 devices write their message-signalled interrupts. */
const MSI_START_PFN = 0xfee00;
const MSI_END_PFN = 0xfef00;

/** First page a domain cannot translate. */
export const apertureEndPfn = (domain: Domain): number => 2 ** (domain.capability.inputBits - 12);

/** What every domain translates, less the reserved regions; ascending. */
export function usableRanges(domains: readonly Domain[]): IovaRange[] {
  const endPfn = Math.min(...domains.map(apertureEndPfn));
  return [
    { startPfn: 0, endPfn: MSI_START_PFN },
    { startPfn: MSI_END_PFN, endPfn },
  ];
}

/** True iff [startPfn, endPfn) lies within one of the ranges. */
export const isUsable = (ranges: readonly IovaRange[], startPfn: number, endPfn: number): boolean =>
  ranges.some((range) => startPfn >= range.startPfn && endPfn <= range.endPfn);
