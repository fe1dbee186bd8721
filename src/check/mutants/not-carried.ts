import type { NotCarried } from "./mutant.ts";

const NO_HARDWARE_DIRTY =
  "no profile here sets accessed and dirty bits in hardware (VT-d second stage without SSADE), so no bit can be lost";
/** Catalogue entries that need hardware which no profile of this project describes. */
export const NOT_CARRIED: readonly NotCarried[] = [
  {
    id: "M09",
    title: "writes a replicated leaf entry by entry",
    source: "AMD-Vi v1 page sizes between the levels",
    expected: "V09",
    reason: "VT-d has no leaves that are replicated over several entries",
  },
  {
    id: "M27b",
    title:
      "changes the size of a leaf without a break where the level of break-before-make support demands one",
    source: "Linux 33729a5fc0ca, iommu/io-pgtable-arm",
    expected: "V09",
    reason: "legal here: VT-d lets a leaf change its size in one store while its translation stays",
  },
  {
    id: "M27c",
    title: "sets the contiguous bit on part of a group",
    source: "Arm contiguous hint",
    expected: "V09",
    reason: "VT-d entries have no contiguous bit",
  },
  {
    id: "M28",
    title: "reads an entry and replaces it with a plain store",
    source: "KVM ba3a6120a4e7, Use atomic XCHG to write TDP MMU SPTEs with volatile bits",
    expected: "V10",
    reason: NO_HARDWARE_DIRTY,
  },
  {
    id: "M29",
    title: "does not carry the dirty bit over a split or a merge",
    source: "common",
    expected: "V10",
    reason: NO_HARDWARE_DIRTY,
  },
  {
    id: "M29b",
    title: "looks for the dirty bit in the first entry of a replicated leaf only",
    source: "AMD-Vi v1",
    expected: "V10",
    reason: "VT-d has no leaves that are replicated over several entries",
  },
  {
    id: "M30",
    title: "clears dirty bits without an invalidation before the next report",
    source: "common",
    expected: "V10",
    reason: NO_HARDWARE_DIRTY,
  },
];
