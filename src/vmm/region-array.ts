import { vfio_iommu_type1_map_region } from "../uapi/index.ts";
import type { VaddrPfn } from "../units/index.ts";
import type { MapRegion } from "./memory-map.ts";

const PAGES_PER_4G = 2 ** 20;
const { offsets, sizeBytes } = vfio_iommu_type1_map_region;

/** A u64 byte count or address from pages, as two 32-bit stores: lists are long, and BigInt would be most of the work. */
function setPages(view: DataView, at: number, pages: number): void {
  view.setUint32(at, (pages % PAGES_PER_4G) * 4096, true);
  view.setUint32(at + 4, Math.floor(pages / PAGES_PER_4G), true);
}

/** The array of struct vfio_iommu_type1_map_region that states these regions, in their order. */
export function encodeRegions(
  regions: readonly MapRegion[],
  vaddrOf: (region: MapRegion) => VaddrPfn,
): Uint8Array {
  const bytes = new Uint8Array(regions.length * sizeBytes);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const region of regions) {
    setPages(view, at + offsets.iova, region.iovaPfn);
    setPages(view, at + offsets.size, region.pages);
    setPages(view, at + offsets.vaddr, vaddrOf(region));
    view.setUint32(at + offsets.flags, region.rights, true);
    at += sizeBytes;
  }
  return bytes;
}
