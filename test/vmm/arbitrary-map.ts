import fc from "fast-check";
import { iovaPfn } from "../../src/units/index.ts";
import { type MapRegion, type MemoryMap, makeMemoryMap } from "../../src/vmm/memory-map.ts";

interface Shape {
  /** Highest number of pages in a gap or a region. */
  readonly longest?: number;
}

/** Any memory map: regions and gaps of arbitrary length, two backings, offsets that often make neighbours continue. */
export const arbitraryMap = ({ longest = 64 }: Shape = {}): fc.Arbitrary<MemoryMap> =>
  fc
    .array(
      fc.record({
        gap: fc.integer({ min: 0, max: longest }),
        pages: fc.integer({ min: 1, max: longest }),
        backing: fc.constantFrom("ram", "pc.rom", "BAR 0 mmaps[0]"),
        shift: fc.constantFrom(0, 0, 0, 7),
        rights: fc.constantFrom(1, 3, 3, 2),
      }),
      { maxLength: 12 },
    )
    .map((pieces) => {
      const regions: MapRegion[] = [];
      let at = 0;
      for (const { gap, pages, backing, shift, rights } of pieces) {
        at += gap;
        regions.push({ iovaPfn: iovaPfn(at), pages, backing, offsetPages: at + shift, rights });
        at += pages;
      }
      return makeMemoryMap(regions);
    });
