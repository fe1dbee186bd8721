import type { Kernel } from "../../kernel/index.ts";
import { isUsable, usableRanges } from "../../kernel/vfio/iova-ranges.ts";
import { DEFAULT_DMA_ENTRY_LIMIT } from "../../kernel/vfio/module-parameters.ts";
import { groupDigits } from "../../report/index.ts";
import { Errno } from "../../uapi/index.ts";
import { hexPage } from "../../units/index.ts";
import {
  canonicalRegions,
  formatOrigin,
  formatRegion,
  type MapSequence,
  type MemoryMap,
  regionEnd,
  type Strategy,
} from "../../vmm/index.ts";
import { StressError } from "./options.ts";

const lastByte = (endPfn: number): string => `0x${((BigInt(endPfn) << 12n) - 1n).toString(16)}`;

const limitText = (limit: number): string =>
  `a container takes ${groupDigits(limit)} at most (dma_entry_limit of vfio_iommu_type1)`;

/**
 * Throws StressError when a map has more regions than a container can hold under one of the strategies. It is asked before
 * anything runs: otherwise a strategy that joins regions takes minutes until the next one is refused.
 */
export function requireFewEnough(sequence: MapSequence, strategies: readonly Strategy[]): void {
  for (const { map, label, origin } of sequence.steps) {
    if (map.regions.length <= DEFAULT_DMA_ENTRY_LIMIT) continue;
    const joined = canonicalRegions(map).length;
    const refused = strategies.filter((s) => s.joinsRegions !== true || joined > DEFAULT_DMA_ENTRY_LIMIT);
    if (refused.length > 0)
      throw new StressError(
        `${refused.map((s) => s.name).join(", ")}: the kernel refuses the map '${label}' (${formatOrigin(origin)}), ` +
          `which has ${groupDigits(map.regions.length)} regions: ${limitText(DEFAULT_DMA_ENTRY_LIMIT)}`,
      );
  }
}

/** Why a kernel refuses a map, as far as the map and the errno say it; null when they do not. */
export function whyRefused(kernel: Kernel, map: MemoryMap, errno: number): string | null {
  const limit = kernel.parameters.dmaEntryLimit;
  if ((errno === -Errno.ENOSPC || errno === -Errno.E2BIG) && map.regions.length > limit)
    return `it has ${groupDigits(map.regions.length)} regions, and ${limitText(limit)}`;
  return whereRefused(kernel, map);
}

/**
 * Why a kernel refuses a map with EINVAL, as far as its addresses say it: the first region that a device cannot be
 * given, and what it can. Null when all regions could be.
 */
function whereRefused(kernel: Kernel, map: MemoryMap): string | null {
  const usable = usableRanges(kernel.iommu.domains);
  const region = map.regions.find((r) => !isUsable(usable, r.iovaPfn, regionEnd(r)));
  if (region === undefined) return null;
  const ranges = usable.map((r) => `${hexPage(r.startPfn)}-${lastByte(r.endPfn)}`).join(" or ");
  return `region ${formatRegion(region)} is not within ${ranges}, which is all that ${kernel.capability.name} gives a device`;
}
