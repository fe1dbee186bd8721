import type { PatternRange } from "../../device/index.ts";
import type { MapDelta, PageRange } from "../../model/index.ts";
import { iovaPfn, PAGES_PER_1G, PAGES_PER_2M } from "../../units/index.ts";

/** Shares of the accesses that go to each kind of page. */
const KEPT_SHARE = 3;
const EDGE_SHARE = 2;
const NEAR_SHARE = 4;
const CHANGING_SHARE = 3;
const ANYWHERE_SHARE = 1;
/** Ranges of one kind in a pattern; of more, evenly spaced ones are taken. */
const MOST_RANGES = 50;
/** Pages on each side of an edge. */
const EDGE_PAGES = 2;

/**
 * Where devices should look during a map change: inside what is kept, on both sides of every edge of what changes, all
 * over the large leaves that such an edge may cut (too many pages to sit in a cache), inside what changes, and anywhere
 * below `endPfn`, mapped or not.
 */
export function accessPattern(delta: MapDelta, endPfn: number): PatternRange[] {
  const changing = [...delta.changed, ...delta.removed, ...delta.added];
  const edges = changing.flatMap(({ iovaPfn: start, pages }) => [start, start + pages]);
  return [
    ...share(delta.kept, KEPT_SHARE),
    ...share(edges.map(aroundEdge), EDGE_SHARE),
    ...share(leavesCut(edges, PAGES_PER_2M), NEAR_SHARE),
    ...share(leavesCut(edges, PAGES_PER_1G), ANYWHERE_SHARE),
    ...share(changing, CHANGING_SHARE),
    { iovaPfn: iovaPfn(0), pages: endPfn, weight: ANYWHERE_SHARE },
  ];
}

/** The aligned blocks of `pages` pages that have an edge inside. */
const leavesCut = (edges: readonly number[], pages: number): PageRange[] =>
  [...new Set(edges.filter((page) => page % pages !== 0).map((page) => Math.floor(page / pages)))].map(
    (block) => ({ iovaPfn: block * pages, pages }),
  );

const aroundEdge = (page: number): PageRange => {
  const start = Math.max(0, page - EDGE_PAGES);
  return { iovaPfn: start, pages: page + EDGE_PAGES - start };
};

function share(ranges: readonly PageRange[], total: number): PatternRange[] {
  const taken = spread(ranges, MOST_RANGES);
  return taken.map((r) => ({ iovaPfn: iovaPfn(r.iovaPfn), pages: r.pages, weight: total / taken.length }));
}

/** At most `most` of the items, evenly spaced, first and last among them. */
function spread<Item>(items: readonly Item[], most: number): readonly Item[] {
  if (items.length <= most) return items;
  return Array.from({ length: most }, (_, i) => items[Math.round((i * (items.length - 1)) / (most - 1))]!);
}
