import fc from "fast-check";
import { joined, type Piece } from "./translations.ts";

/** Interesting places: around 4 KiB, 2 MiB and 1 GiB boundaries. */
const place = fc
  .tuple(
    fc.constantFrom(0, 512, 1024, 512 * 4, 512 * 511, 512 * 512, 512 * 513),
    fc.constantFrom(0, 0, 0, 1, 5, 511, -1, -2),
  )
  .map(([base, off]) => Math.max(0, base + off));

/** A map: cut points, and for each stretch nothing or frames in or out of step with the superpage grid. */
export const memoryMap = fc
  .tuple(
    fc.uniqueArray(place, { minLength: 2, maxLength: 7 }),
    fc.array(fc.tuple(fc.integer({ min: 0, max: 4 }), fc.constantFrom(1, 3, 3, 3)), {
      minLength: 7,
      maxLength: 7,
    }),
  )
  .map(([cuts, kinds]) => {
    cuts.sort((a, b) => a - b);
    const pieces: Piece[] = [];
    for (let i = 0; i + 1 < cuts.length; i++) {
      const [backing, rights] = kinds[i]!;
      if (backing === 0) continue;
      // Backings 1 and 2 are congruent to the IOVA (superpages form), 3 only modulo 2 MiB, 4 not at all.
      const offset = [0, 2 ** 24, 2 ** 25, 2 ** 26 + 512, 2 ** 27 + 7][backing]!;
      pieces.push({ start: cuts[i]!, end: cuts[i + 1]!, frame: cuts[i]! + offset, rights });
    }
    return joined(pieces);
  });
