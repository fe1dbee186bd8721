import type { PatternRange } from "../../device/index.ts";
import type { MapDelta, PageRange } from "../../model/index.ts";
import { iovaPfn } from "../../units/index.ts";

/** Shares of the accesses that go to each kind of page. */
const KEPT_SHARE = 4;
const EDGE_SHARE = 3;
const CHANGING_SHARE = 3;
const ANYWHERE_SHARE = 1;
/** Ranges of one kind in a pattern; of more, evenly spaced ones are taken. */
const MOST_RANGES = 80;
/** Pages on each side of an edge. */
const EDGE_PAGES = 2;

/**
 * Where devices should look during a map change: inside what is kept, on both sides of every edge of what changes,
 * inside what changes, and anywhere below `endPfn`, mapped or not.
 */
export function accessPattern(delta: MapDelta, endPfn: number): PatternRange[] {
  const changing = [...delta.changed, ...delta.removed, ...delta.added];
  const edges = changing.flatMap(({ iovaPfn: start, pages }) => [edge(start), edge(start + pages)]);
  return [
    ...share(delta.kept, KEPT_SHARE),
    ...share(edges, EDGE_SHARE),
    ...share(changing, CHANGING_SHARE),
    { iovaPfn: iovaPfn(0), pages: endPfn, weight: ANYWHERE_SHARE },
  ];
}

const edge = (page: number): PageRange => {
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
