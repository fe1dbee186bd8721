import type { MapRun, MapRunList, PageSpan } from "../../edit-script/index.ts";
import { RangeList, type Ranges } from "../lists/ranges.ts";
import { FrameIndex } from "./frame-index.ts";
import type { FrameSet } from "./frame-set.ts";
import type { JointMap } from "./joint-map.ts";
import { differing, ListedMaps, type MapReader, type MapSide } from "./map-reader.ts";
import { MapRuns } from "./map-runs.ts";

/** The maps of a call that changes some pages: they are read where something is asked for, however large they are. */
export class EditedMaps implements MapReader {
  readonly #old: MapRunList;
  readonly #new: MapRunList;
  readonly #changed: JointMap;
  readonly #leadingTo: (frames: FrameSet) => ReadonlySet<MapRun> | null;

  /** `leadingTo`: the runs of both maps that lead to some frames, and perhaps others; null where that is not known any more. */
  constructor(
    before: MapRunList,
    after: MapRunList,
    changed: JointMap,
    leadingTo: (frames: FrameSet) => ReadonlySet<MapRun> | null,
  ) {
    this.#old = before;
    this.#new = after;
    this.#changed = changed;
    this.#leadingTo = leadingTo;
  }

  get end(): number {
    return Math.max(this.#old.end, this.#new.end);
  }

  changes(): Ranges {
    return this.#changed.ranges;
  }
  changed(): JointMap {
    return this.#changed;
  }

  pagesOn(frames: FrameSet): Ranges {
    const leading = this.#leadingTo(frames);
    if (leading === null) return new ListedMaps(this.#old.all(), this.#new.all()).pagesOn(frames);
    const pages = new RangeList();
    for (const { iovaPfn, pages: count, pfn } of leading) {
      const by = iovaPfn - pfn;
      for (let i = frames.firstEndingAfter(pfn); i < frames.starts.length; i++) {
        if (frames.starts[i]! >= pfn + count) break;
        pages.push(by + Math.max(pfn, frames.starts[i]!), by + Math.min(pfn + count, frames.ends[i]!));
      }
    }
    return pages.union();
  }

  runs(side: MapSide, ranges: Ranges): MapRuns {
    const map = side === "old" ? this.#old : this.#new;
    const found = new MapRuns();
    let last: MapRun | null = null;
    for (let r = 0; r < ranges.starts.length; r++)
      for (const run of map.touching(ranges.starts[r]!, ranges.ends[r]!)) {
        if (run !== last) found.push(run.iovaPfn, run.pages, run.pfn, run.rights);
        last = run;
      }
    return found;
  }
}

const NO_RUNS: ReadonlySet<MapRun> = new Set();

/** The maps of one call after the other, and which of their runs lead to a frame. */
export class CarriedMaps {
  readonly #index = new FrameIndex();
  /** The call that the index stands for; while one is under way, for both its maps. */
  #call = 0;
  /** Runs that the call at hand takes away, and those it brings. */
  #gone: ReadonlySet<MapRun> = NO_RUNS;
  #come: ReadonlySet<MapRun> = NO_RUNS;

  constructor(first: MapRunList) {
    for (const run of first.all()) this.#index.add(run);
  }

  /** Goes on to the call that changes some pages. Pre: the one before it is over. */
  begin(before: MapRunList, after: MapRunList, edited: readonly PageSpan[]): EditedMaps {
    [this.#gone, this.#come] = exchanged(before, after, pagesOf(edited));
    // An edit may leave all as it was, in whole or in part.
    const changed = differing([...this.#gone], [...this.#come]);
    for (const run of this.#come) this.#index.add(run);
    const call = ++this.#call;
    return new EditedMaps(before, after, changed, (frames) =>
      call === this.#call ? this.#index.leadingTo(frames) : null,
    );
  }

  /** The runs that the call at hand takes away and brings: pages that change have a part of them. */
  get exchanged(): readonly MapRun[] {
    return [...this.#gone, ...this.#come];
  }

  /** The call is over. */
  end(): void {
    this.#call++;
    for (const run of this.#gone) this.#index.delete(run);
    this.#gone = this.#come = NO_RUNS;
  }

  /** The runs of the map that lead to some frames. Pre: no call is under way. */
  leadingTo(frames: FrameSet): ReadonlySet<MapRun> {
    return this.#index.leadingTo(frames);
  }
}

const pagesOf = (spans: readonly PageSpan[]): Ranges => {
  const pages = new RangeList();
  for (const { iovaPfn, pages: count } of spans) pages.push(iovaPfn, iovaPfn + count);
  return pages.union();
};

/** The runs that only the map before has, and those that only the map behind has, ascending; all else is as it was but on some pages. */
function exchanged(
  before: MapRunList,
  after: MapRunList,
  { starts, ends }: Ranges,
): readonly [gone: ReadonlySet<MapRun>, come: ReadonlySet<MapRun>] {
  const gone = new Set<MapRun>();
  const come = new Set<MapRun>();
  for (let r = 0; r < starts.length; r++) {
    let [start, end] = [starts[r]!, ends[r]!];
    for (const run of before.touching(start, end)) {
      gone.add(run);
      // What is left of a run that is cut lies beside the pages that differ.
      start = Math.min(start, run.iovaPfn);
      end = Math.max(end, run.iovaPfn + run.pages);
    }
    for (const run of after.touching(start, end)) come.add(run);
  }
  return [gone, come];
}
