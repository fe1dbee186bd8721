import type { Rights } from "../units/index.ts";

/**
 * Memory maps as plain data, for the side that judges: what the user asked for, never what the tables hold.
 */

/** One region of a memory map: `pages` pages from `iovaPfn` backed by the pages from `vaddrPfn`. */
export interface ModelRegion {
  readonly iovaPfn: number;
  readonly pages: number;
  readonly vaddrPfn: number;
  readonly rights: Rights;
}

/** A list of regions that is no memory map; the sentence names the regions. */
export class ModelError extends Error {
  override name = "ModelError";
}

const text = (r: ModelRegion): string =>
  `[${(r.iovaPfn * 4096).toString(16)}, ${((r.iovaPfn + r.pages) * 4096).toString(16)})`;

/**
 * The canonical form of a map: sorted by IOVA, neighbours joined where addresses, backing and rights continue.
 * Two lists describe the same map iff their canonical forms are equal.
 *
 * Errors: ModelError when a region is empty or two overlap.
 */
export function canonicalRegions(regions: readonly ModelRegion[]): ModelRegion[] {
  const sorted = [...regions].sort((a, b) => a.iovaPfn - b.iovaPfn);
  const joined: ModelRegion[] = [];
  for (const region of sorted) {
    if (!(region.pages > 0)) throw new ModelError(`region ${text(region)} is empty`);
    const last = joined.at(-1);
    if (last === undefined || last.iovaPfn + last.pages < region.iovaPfn) {
      joined.push(region);
      continue;
    }
    if (last.iovaPfn + last.pages > region.iovaPfn)
      throw new ModelError(`regions ${text(last)} and ${text(region)} overlap`);
    const continues = last.vaddrPfn + last.pages === region.vaddrPfn && last.rights === region.rights;
    if (continues) joined[joined.length - 1] = { ...last, pages: last.pages + region.pages };
    else joined.push(region);
  }
  return joined;
}

/** True iff two canonical lists are the same map. */
export function sameRegions(a: readonly ModelRegion[], b: readonly ModelRegion[]): boolean {
  return (
    a.length === b.length &&
    a.every((r, i) => {
      const s = b[i]!;
      return (
        r.iovaPfn === s.iovaPfn && r.pages === s.pages && r.vaddrPfn === s.vaddrPfn && r.rights === s.rights
      );
    })
  );
}

/** Index of the first region that ends after `page`, or the length. Pre: sorted, free of overlap. */
export function firstRegionEndingAfter(
  regions: readonly { readonly iovaPfn: number; readonly pages: number }[],
  page: number,
): number {
  let low = 0;
  let high = regions.length;
  while (low < high) {
    const mid = (low + high) >>> 1;
    const r = regions[mid]!;
    if (r.iovaPfn + r.pages > page) high = mid;
    else low = mid + 1;
  }
  return low;
}
