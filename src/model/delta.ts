import type { ModelRegion } from "./region.ts";

/** A run of I/O pages, half-open: [iovaPfn, iovaPfn + pages). */
export interface PageRange {
  readonly iovaPfn: number;
  readonly pages: number;
}

/** What a map change does to every page, as sorted ranges that neither overlap nor touch within one list. */
export interface MapDelta {
  /** Mapped before and after with the same backing (vaddr) and the same rights. */
  readonly kept: readonly PageRange[];
  /** Mapped only afterwards. */
  readonly added: readonly PageRange[];
  /** Mapped only before. */
  readonly removed: readonly PageRange[];
  /** Mapped before and after, with another backing or other rights. */
  readonly changed: readonly PageRange[];
}

/** Compares two maps page range by page range. Pre: both canonical. */
export function compareMaps(before: readonly ModelRegion[], after: readonly ModelRegion[]): MapDelta {
  const delta = {
    kept: [] as PageRange[],
    added: [] as PageRange[],
    removed: [] as PageRange[],
    changed: [] as PageRange[],
  };
  let i = 0;
  let j = 0;
  let page = 0;
  while (i < before.length || j < after.length) {
    const a = before[i];
    const b = after[j];
    const nextStart = Math.min(a?.iovaPfn ?? Infinity, b?.iovaPfn ?? Infinity);
    if (page < nextStart) page = nextStart;
    const inBefore = a !== undefined && a.iovaPfn <= page;
    const inAfter = b !== undefined && b.iovaPfn <= page;
    const end = Math.min(edgeAfter(a, page), edgeAfter(b, page));
    if (inBefore && inAfter) {
      const same = a.vaddrPfn - a.iovaPfn === b.vaddrPfn - b.iovaPfn && a.rights === b.rights;
      append(same ? delta.kept : delta.changed, page, end);
    } else if (inBefore) append(delta.removed, page, end);
    else if (inAfter) append(delta.added, page, end);
    page = end;
    if (a !== undefined && a.iovaPfn + a.pages <= page) i++;
    if (b !== undefined && b.iovaPfn + b.pages <= page) j++;
  }
  return delta;
}

/** The first edge of a region beyond `page`. */
function edgeAfter(region: ModelRegion | undefined, page: number): number {
  if (region === undefined) return Infinity;
  return region.iovaPfn > page ? region.iovaPfn : region.iovaPfn + region.pages;
}

function append(ranges: PageRange[], start: number, end: number): void {
  const last = ranges.at(-1);
  if (last !== undefined && last.iovaPfn + last.pages === start)
    ranges[ranges.length - 1] = { iovaPfn: last.iovaPfn, pages: end - last.iovaPfn };
  else ranges.push({ iovaPfn: start, pages: end - start });
}

/** Pages in a list of ranges. */
export const pagesIn = (ranges: readonly PageRange[]): number => ranges.reduce((sum, r) => sum + r.pages, 0);

/** True iff the two maps are the same for every device. */
export const changesNothing = (delta: MapDelta): boolean =>
  delta.added.length + delta.removed.length + delta.changed.length === 0;
