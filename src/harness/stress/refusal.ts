import type { Kernel } from "../../kernel/index.ts";
import { isUsable, usableRanges } from "../../kernel/vfio/iova-ranges.ts";
import { hexPage } from "../../units/index.ts";
import { formatRegion, type MemoryMap, regionEnd } from "../../vmm/index.ts";

const lastByte = (endPfn: number): string => `0x${((BigInt(endPfn) << 12n) - 1n).toString(16)}`;

/**
 * Why a kernel refuses a map with EINVAL, as far as the map's addresses say it: the first region that a device cannot be
 * given, and what it can. Null when all regions could be.
 */
export function whyRefused(kernel: Kernel, map: MemoryMap): string | null {
  const usable = usableRanges(kernel.iommu.domains);
  const region = map.regions.find((r) => !isUsable(usable, r.iovaPfn, regionEnd(r)));
  if (region === undefined) return null;
  const ranges = usable.map((r) => `${hexPage(r.startPfn)}-${lastByte(r.endPfn)}`).join(" or ");
  return `region ${formatRegion(region)} is not within ${ranges}, which is all that ${kernel.capability.name} gives a device`;
}
