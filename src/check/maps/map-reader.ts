import type { MapRun } from "../../edit-script/index.ts";
import { RangeList, type Ranges } from "../lists/ranges.ts";
import type { FrameSet } from "./frame-set.ts";
import { JointMap, NOTHING } from "./joint-map.ts";
import { MapRuns } from "./map-runs.ts";

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
  /** Both maps on those pages, where to tell them is to know what they have there. */
  changed?(): JointMap;
  /** In both maps, pages outside of these lead to none of the frames. */
  pagesOn(frames: FrameSet): Ranges;
  /** Runs of one map that have pages in some ranges, each once, sorted by IOVA; they may reach further, and there may be others. */
  runs(side: MapSide, ranges: Ranges): MapRuns;
}

/** Maps that are given as whole lists of runs, sorted by IOVA and free of overlap. */
export class ListedMaps implements MapReader {
  readonly #old: ListedMap;
  readonly #new: ListedMap;
  #changed: JointMap | null = null;
  /** What was asked for last: trials ask for the same few frames again and again. */
  #pages: { readonly frames: FrameSet; readonly pages: Ranges } | null = null;

  constructor(before: readonly MapRun[], after: readonly MapRun[]) {
    this.#old = new ListedMap(before);
    this.#new = new ListedMap(after);
  }

  get end(): number {
    return Math.max(endOf(this.#old.runs.at(-1)), endOf(this.#new.runs.at(-1)));
  }

  changes(): Ranges {
    return this.changed().ranges;
  }
  changed(): JointMap {
    return (this.#changed ??= differing(this.#old.runs, this.#new.runs));
  }

  pagesOn(frames: FrameSet): Ranges {
    if (this.#pages?.frames.equals(frames)) return this.#pages.pages;
    const pages = new RangeList();
    if (frames.isEmpty) return pages.ranges();
    const [a, b] = [this.#old.pagesOn(frames), this.#new.pagesOn(frames)];
    while (a.start < Infinity || b.start < Infinity) {
      const first = a.start <= b.start ? a : b;
      pages.join(first.start, first.end);
      first.next();
    }
    this.#pages = { frames, pages: pages.ranges() };
    return this.#pages.pages;
  }

  runs(side: MapSide, ranges: Ranges): MapRuns {
    return (side === "old" ? this.#old : this.#new).within(ranges);
  }
}

const endOf = (run: MapRun | undefined): number => (run === undefined ? 0 : run.iovaPfn + run.pages);

const FIRST_ROOM = 16;
/** When more than one run in so many is asked for, all are put into columns, once. */
const MANY = 4;

/** One of the two: a list, of which a small change reads little, and columns for a change of all of it. */
class ListedMap {
  readonly runs: readonly MapRun[];
  #columns: MapRuns | null = null;

  constructor(runs: readonly MapRun[]) {
    this.runs = runs;
  }

  /** Pages that lead to some frames, which are at least one. */
  pagesOn(frames: FrameSet): PageCursor {
    return new PageCursor(this.runs, frames);
  }

  /** The runs that have pages in some ranges, and perhaps others. */
  within(ranges: Ranges): MapRuns {
    const { runs } = this;
    let pages = 0;
    for (let r = 0; r < ranges.starts.length && pages * MANY < runs.length; r++)
      pages += ranges.ends[r]! - ranges.starts[r]!;
    if (pages * MANY >= runs.length) return this.#all;
    const result = new MapRuns(pages);
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

  get #all(): MapRuns {
    return (this.#columns ??= MapRuns.of(this.runs, this.runs.length));
  }
}

/** Goes through the pages of a map that lead to some frames, range by range. */
class PageCursor {
  readonly #runs: readonly MapRun[];
  readonly #frames: FrameSet;
  /** The run that is looked at, and the range of frames to look at next. */
  #run = -1;
  #range = 0;
  /** Its first page, its first frame and the frame behind it. */
  #page = 0;
  #first = 0;
  #last = 0;
  /** The range the cursor stands on; Infinity behind the last. */
  start = 0;
  end = 0;

  constructor(runs: readonly MapRun[], frames: FrameSet) {
    this.#runs = runs;
    this.#frames = frames;
    this.next();
  }

  next(): void {
    const frames = this.#frames;
    while (!this.#nextRange()) {
      if (!this.#nextRun()) {
        this.start = this.end = Infinity;
        return;
      }
      if (this.#last - this.#first === 1) {
        this.start = this.#page;
        this.end = this.#page + 1;
        return;
      }
      this.#range = frames.firstEndingAfter(this.#first);
    }
  }

  /** Goes on inside the run; false where no more of its frames are wanted. */
  #nextRange(): boolean {
    if (this.#last - this.#first <= 1) return false;
    const range = this.#range++;
    const { starts, ends } = this.#frames;
    if (range >= starts.length || starts[range]! >= this.#last) return false;
    const by = this.#page - this.#first;
    this.start = by + Math.max(this.#first, starts[range]!);
    this.end = by + Math.min(this.#last, ends[range]!);
    return true;
  }

  /** Goes on to the next run that leads to one of the frames. */
  #nextRun(): boolean {
    const runs = this.#runs;
    const frames = this.#frames;
    for (let at = this.#run + 1; at < runs.length; at++) {
      const run = runs[at]!;
      const last = run.pfn + run.pages;
      if (!frames.touches(run.pfn, last)) continue;
      this.#run = at;
      this.#page = run.iovaPfn;
      this.#first = run.pfn;
      this.#last = last;
      return true;
    }
    this.#run = runs.length;
    return false;
  }
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

/** Where two maps answer differently, and what. Pre: sorted by IOVA, free of overlap. */
export function differing(before: readonly MapRun[], after: readonly MapRun[]): JointMap {
  const ranges = new RangeList();
  // Two scattered maps have their edges in the same places; a piece more stands in front of the first, and one ends the last.
  const joint = new JointMap(FIRST_ROOM, Math.max(before.length, after.length) + 2);
  let page = 0;
  for (let i = 0, j = 0; ; ) {
    const o = before[i];
    const n = after[j];
    if (o === undefined && n === undefined) break;
    if (o === n) {
      page = endOf(o);
      i++;
      j++;
      continue;
    }
    const oldStart = o?.iovaPfn ?? Infinity;
    const newStart = n?.iovaPfn ?? Infinity;
    page = Math.max(page, Math.min(oldStart, newStart));
    const inOld = oldStart <= page;
    const inNew = newStart <= page;
    const oldEdge = inOld ? endOf(o) : oldStart;
    const newEdge = inNew ? endOf(n) : newStart;
    const next = Math.min(oldEdge, newEdge);
    const oldFrame = inOld ? o!.pfn + page - oldStart : NOTHING;
    const newFrame = inNew ? n!.pfn + page - newStart : NOTHING;
    const oldRights = inOld ? o!.rights : 0;
    const newRights = inNew ? n!.rights : 0;
    if (oldFrame !== newFrame || oldRights !== newRights) {
      const isBehind = ranges.end < page;
      if (isBehind) joint.leaveOut(ranges.end);
      ranges.join(page, next);
      if (isBehind || !joint.continues(page, oldFrame, oldRights, newFrame, newRights)) {
        const piece = joint.next(page);
        joint.oldFrames[piece] = oldFrame;
        joint.oldRights[piece] = oldRights;
        joint.newFrames[piece] = newFrame;
        joint.newRights[piece] = newRights;
      }
    }
    if (inOld && oldEdge === next) i++;
    if (inNew && newEdge === next) j++;
    page = next;
  }
  joint.isAllChanged = true;
  return joint.closed(ranges.end, ranges.ranges());
}
