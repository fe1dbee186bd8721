import type { NotCarried } from "./mutant.ts";

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
    id: "M29b",
    title: "looks for the dirty bit in the first entry of a replicated leaf only",
    source: "AMD-Vi v1",
    expected: "V10",
    reason: "VT-d has no leaves that are replicated over several entries",
  },
];
