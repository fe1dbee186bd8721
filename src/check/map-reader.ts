import type { MapRun } from "../edit-script/index.ts";
import type { FrameSet } from "./frame-set.ts";
import { MapRuns } from "./map-runs.ts";
import { RangeList, type Ranges, union } from "./ranges.ts";

export type MapSide = "old" | "new";

/**
 * The two maps of a change, read in parts: what a check costs follows from what the script touches, not from how large or
 * how scattered the maps are. What is told may be too much, never too little.
 */
export interface MapReader {
  /** First page behind both maps. */
  readonly end: number;
  /** Pages outside of these are answered alike by both maps. */
  changes(): Ranges;
  /** In both maps, pages outside of these lead to none of the frames. */
  pagesOn(frames: FrameSet): Ranges;
  /** Runs of one map that have pages in some ranges, each once, sorted by IOVA; they may reach further. */
  runs(side: MapSide, ranges: Ranges): MapRuns;
}

/** Maps that are given as whole lists of runs, sorted by IOVA and free of overlap. */
export class ListedMaps implements MapReader {
  readonly #old: readonly MapRun[];
  readonly #new: readonly MapRun[];
  #changes: Ranges | null = null;

  constructor(before: readonly MapRun[], after: readonly MapRun[]) {
    this.#old = before;
    this.#new = after;
  }

  get end(): number {
    return Math.max(endOf(this.#old.at(-1)), endOf(this.#new.at(-1)));
  }

  changes(): Ranges {
    return (this.#changes ??= differing(this.#old, this.#new));
  }

  pagesOn(frames: FrameSet): Ranges {
    return union(pagesOf(this.#old, frames), pagesOf(this.#new, frames));
  }

  runs(side: MapSide, ranges: Ranges): MapRuns {
    return within(side === "old" ? this.#old : this.#new, ranges);
  }
}

const endOf = (run: MapRun | undefined): number => (run === undefined ? 0 : run.iovaPfn + run.pages);

/** Pages of a map that lead to some frames. */
function pagesOf(runs: readonly MapRun[], frames: FrameSet): Ranges {
  const pages = new RangeList();
  if (frames.isEmpty) return pages.ranges();
  const { starts, ends } = frames;
  for (const run of runs) {
    const end = run.pfn + run.pages;
    const by = run.iovaPfn - run.pfn;
    for (let i = frames.firstEndingAfter(run.pfn); i < starts.length && starts[i]! < end; i++)
      pages.join(by + Math.max(run.pfn, starts[i]!), by + Math.min(end, ends[i]!));
  }
  return pages.ranges();
}

/** The runs that have pages in some ranges. Pre: sorted by IOVA, free of overlap. */
function within(runs: readonly MapRun[], ranges: Ranges): MapRuns {
  let pages = 0;
  for (let r = 0; r < ranges.starts.length && pages < runs.length; r++)
    pages += ranges.ends[r]! - ranges.starts[r]!;
  const result = new MapRuns(Math.min(pages, runs.length));
  let at = 0;
  for (let r = 0; r < ranges.starts.length; r++) {
    at = firstRunEndingAfter(runs, at, ranges.starts[r]!);
    const end = ranges.ends[r]!;
    for (; at < runs.length && runs[at]!.iovaPfn < end; at++) {
      const { iovaPfn, pages, pfn, rights } = runs[at]!;
      result.push(iovaPfn, pages, pfn, rights);
    }
  }
  return result;
}

/** Position of the first run, not before `from`, that ends behind a page: looked for in growing steps. */
function firstRunEndingAfter(runs: readonly MapRun[], from: number, page: number): number {
  let step = 1;
  let low = from;
  let high = from;
  while (high < runs.length && endOf(runs[high]) <= page) {
    low = high + 1;
    high += step;
    step *= 2;
  }
  high = Math.min(high, runs.length);
  while (low < high) {
    const mid = (low + high) >>> 1;
    if (endOf(runs[mid]) > page) high = mid;
    else low = mid + 1;
  }
  return low;
}

/** Pages that two maps answer differently. Pre: sorted by IOVA, free of overlap. */
export function differing(before: readonly MapRun[], after: readonly MapRun[]): Ranges {
  const ranges = new RangeList();
  let page = 0;
  for (let i = 0, j = 0; ; ) {
    const o = before[i];
    const n = after[j];
    if (o === undefined && n === undefined) return ranges.ranges();
    if (o === n) {
      page = endOf(o);
      i++;
      j++;
      continue;
    }
    page = Math.max(page, Math.min(o?.iovaPfn ?? Infinity, n?.iovaPfn ?? Infinity));
    const inOld = o !== undefined && o.iovaPfn <= page;
    const inNew = n !== undefined && n.iovaPfn <= page;
    const oldEdge = inOld ? endOf(o) : (o?.iovaPfn ?? Infinity);
    const newEdge = inNew ? endOf(n) : (n?.iovaPfn ?? Infinity);
    const next = Math.min(oldEdge, newEdge);
    const isSame = inOld && inNew && o.pfn - o.iovaPfn === n.pfn - n.iovaPfn && o.rights === n.rights;
    if (!isSame) ranges.join(page, next);
    if (inOld && oldEdge === next) i++;
    if (inNew && newEdge === next) j++;
    page = next;
  }
}
