import { iovaPfn } from "../../units/index.ts";
import { compareMaps, type PageRange } from "../map-delta.ts";
import { canonicalRegions, type MapRegion, type MemoryMap, regionEnd } from "../memory-map.ts";
import type { Applied, Strategy, Vm } from "./strategy.ts";

/** One call of a plan. */
export type DmaCall =
  | { readonly op: "unmap"; readonly range: PageRange }
  | { readonly op: "map"; readonly region: MapRegion };

/**
 * The fewest UNMAP_DMA and MAP_DMA calls from the extents a container has to the map `next` that never unmap an extent
 * all of whose pages are kept.
 *
 * type1 v2 takes back whole extents only, so one kept extent stays and any other goes as a whole, kept pages included:
 * what a container can keep is decided by how its extents came about. Neighbours that go leave in one call, since an
 * unmap may span several extents; what is missing in a gap is mapped before the next gap is opened.
 */
export function planDmaCalls(extents: readonly MapRegion[], next: MemoryMap): DmaCall[] {
  const staying = keptWhole(extents, next);
  const wanted = canonicalRegions(next);
  const calls: DmaCall[] = [];
  let e = 0;
  let w = 0;
  for (const bound of [...staying, null]) {
    const gapEnd = bound?.iovaPfn ?? Number.POSITIVE_INFINITY;
    const going: MapRegion[] = [];
    while (e < extents.length && extents[e]!.iovaPfn < gapEnd) going.push(extents[e++]!);
    if (going.length > 0) {
      const start = going[0]!.iovaPfn;
      const pages = regionEnd(going.at(-1)!) - start;
      calls.push({ op: "unmap", range: { iovaPfn: iovaPfn(start), pages } });
    }
    for (; w < wanted.length && wanted[w]!.iovaPfn < gapEnd; w++) {
      const region = wanted[w]!;
      const end = Math.min(regionEnd(region), gapEnd);
      calls.push({ op: "map", region: { ...region, pages: end - region.iovaPfn } });
      if (end < regionEnd(region)) break;
    }
    if (bound === null) break;
    e++;
    const after = regionEnd(bound);
    while (w < wanted.length && regionEnd(wanted[w]!) <= after) w++;
    if (w < wanted.length && wanted[w]!.iovaPfn < after) wanted[w] = tailFrom(wanted[w]!, after);
  }
  return calls;
}

/** Extents that lie wholly in what both sides translate alike. */
function keptWhole(extents: readonly MapRegion[], next: MemoryMap): MapRegion[] {
  const kept = compareMaps({ regions: extents }, next).kept;
  let k = 0;
  return extents.filter((extent) => {
    while (k < kept.length && kept[k]!.iovaPfn + kept[k]!.pages <= extent.iovaPfn) k++;
    const range = kept[k];
    return (
      range !== undefined &&
      range.iovaPfn <= extent.iovaPfn &&
      range.iovaPfn + range.pages >= regionEnd(extent)
    );
  });
}

const tailFrom = (region: MapRegion, start: number): MapRegion => ({
  ...region,
  iovaPfn: iovaPfn(start),
  pages: regionEnd(region) - start,
  offsetPages: region.offsetPages + start - region.iovaPfn,
});

/**
 * What user space could do without a new ioctl: compare by page and touch only extents that differ.
 *
 * It helps as long as extents happen to end where maps differ, and that is history: a container that was told A' can only
 * unmap all of A' when B is cut out of it, and a container opened later knows A' only.
 * A failure ends the attempt where it is, between the maps.
 */
export const vmmDiff: Strategy = {
  name: "vmm-diff",
  joinsRegions: true,
  summary: "userspace compares the maps and issues the fewest UNMAP_DMA and MAP_DMA calls its extents allow",
  apply({ container, guest }: Vm, _old: MemoryMap, next: MemoryMap): Applied {
    let ioctls = 0;
    for (const call of planDmaCalls(container.extents, next)) {
      ioctls++;
      const errno =
        call.op === "unmap"
          ? container.unmapDma(call.range)
          : container.mapDma(call.region, guest.vaddr(call.region));
      if (errno < 0) return { errno, ioctls };
    }
    return { errno: 0, ioctls };
  },
};
