import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encode, vfio_iommu_type1_map_region } from "../../src/uapi/index.ts";
import { iovaPfn, pageToBytes, vaddrPfn } from "../../src/units/index.ts";
import type { MapRegion } from "../../src/vmm/memory-map.ts";
import { encodeRegions } from "../../src/vmm/region-array.ts";

const pages = fc.integer({ min: 0, max: 2 ** 52 - 1 });

describe("the region array of SET_MAP", () => {
  it("is what the codec makes of each region, for all page numbers of 64-bit addresses", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(pages, pages, pages, fc.constantFrom(1, 2, 3))), (tuples) => {
        const regions: MapRegion[] = tuples.map(([iova, size, vaddr, rights]) => ({
          iovaPfn: iovaPfn(iova),
          pages: size,
          backing: "ram",
          offsetPages: vaddr,
          rights,
        }));
        const expected = tuples.flatMap(([iova, size, vaddr, flags]) => [
          ...encode(vfio_iommu_type1_map_region, {
            iova: pageToBytes(iova),
            size: pageToBytes(size),
            vaddr: pageToBytes(vaddr),
            flags,
            reserved: 0,
          }),
        ]);
        expect([...encodeRegions(regions, (r) => vaddrPfn(r.offsetPages))]).toEqual(expected);
      }),
    );
  });
});
