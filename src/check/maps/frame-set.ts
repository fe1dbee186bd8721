import type { MapRun } from "../../edit-script/index.ts";
import { ascending } from "../lists/ascending.ts";
import { pagesIn, RangeList, type Ranges } from "../lists/ranges.ts";

/** Most frames, for each of the runs, that are marked one by one; runs that lie further apart are sorted. */
const CLOSE = 32;
/** So many frames may always be marked. */
const FEW_FRAMES = 1 << 12;

/** Ranges of frames, with a directory of where to look. */
interface RangeIndex {
  readonly ranges: Ranges;
  /** Frames that one place of the directory stands for. */
  readonly width: number;
  /** Position of the first range that ends behind the place's first frame. */
  readonly directory: Uint32Array;
}

/** Frames that lie close together: 1 for those in the set, from the first one on, and how many they are. */
interface Marks {
  readonly first: number;
  readonly isIn: Uint8Array;
  readonly count: number;
}

/** A set of frames: millions of runs of a map are asked whether they touch it. */
export class FrameSet implements Ranges {
  readonly #marks: Marks | null;
  /** The same as ranges; where there are marks, made when somebody asks for more than one frame. */
  #index: RangeIndex | null;
  /** Frames in the set. */
  readonly count: number;

  private constructor(marks: Marks | null, index: RangeIndex | null, count: number) {
    this.#marks = marks;
    this.#index = index;
    this.count = count;
  }

  /** The frames of ranges. Pre: ascending, free of overlap. */
  static of(ranges: Ranges): FrameSet {
    return new FrameSet(null, indexOf(ranges), pagesIn(ranges));
  }

  /** The frames of runs in any order, which may overlap. */
  static union(...lists: readonly Ranges[]): FrameSet {
    const extent = extentOf(lists);
    if (!extent.isClose) return FrameSet.of(sorted(lists));
    const marks = marked(lists, extent);
    return new FrameSet(marks, null, marks.count);
  }

  get starts(): Float64Array {
    return this.#ranges.ranges.starts;
  }
  get ends(): Float64Array {
    return this.#ranges.ranges.ends;
  }
  get isEmpty(): boolean {
    return this.count === 0;
  }

  /** True iff both hold the same frames. */
  equals(other: FrameSet): boolean {
    if (other.count !== this.count) return false;
    const [mine, others] = [this.#marks, other.#marks];
    if (mine !== null && others !== null && mine.isIn.length === others.isIn.length)
      return mine.first === others.first && Buffer.compare(mine.isIn, others.isIn) === 0;
    const [a, b] = [this.#ranges.ranges, other.#ranges.ranges];
    if (a.starts.length !== b.starts.length) return false;
    for (let i = 0; i < a.starts.length; i++)
      if (a.starts[i] !== b.starts[i] || a.ends[i] !== b.ends[i]) return false;
    return true;
  }

  /** Position of the first range that ends behind a frame; the number of ranges where none does. */
  firstEndingAfter(frame: number): number {
    const { ranges, width, directory } = this.#ranges;
    const { starts, ends } = ranges;
    const first = starts[0]!;
    if (starts.length === 0 || frame < first) return 0;
    const place = Math.floor((frame - first) / width);
    if (place + 1 >= directory.length) return starts.length;
    let low = directory[place]!;
    let high = directory[place + 1]!;
    while (low < high) {
      const mid = (low + high) >>> 1;
      if (ends[mid]! > frame) high = mid;
      else low = mid + 1;
    }
    return low;
  }

  /** True iff one of the frames [start, end) is in the set. */
  touches(start: number, end: number): boolean {
    const marks = this.#marks;
    if (marks !== null && end - start === 1) return marks.isIn[start - marks.first] === 1;
    const at = this.firstEndingAfter(start);
    return at < this.starts.length && this.starts[at]! < end;
  }

  get #ranges(): RangeIndex {
    return (this.#index ??= indexOf(rangesIn(this.#marks!)));
  }
}

/** The frames of runs, in the order of the runs; they may overlap. */
export function framesOf(runs: Iterable<Pick<MapRun, "pfn" | "pages">>): Ranges {
  const frames = new RangeList();
  for (const { pfn, pages } of runs) frames.push(pfn, pfn + pages);
  return frames.ranges();
}

function indexOf(ranges: Ranges): RangeIndex {
  const { starts, ends } = ranges;
  const { length } = starts;
  const first = starts[0] ?? 0;
  const width = Math.max(1, Math.ceil(((ends[length - 1] ?? 0) - first) / Math.max(1, length)));
  const places = length === 0 ? 0 : Math.ceil((ends[length - 1]! - first) / width);
  const directory = new Uint32Array(places + 1);
  for (let place = 0, at = 0; place <= places; place++) {
    while (at < length && ends[at]! <= first + place * width) at++;
    directory[place] = at;
  }
  return { ranges, width, directory };
}

/** Where runs of frames lie. */
export interface FrameExtent {
  readonly first: number;
  readonly frames: number;
  /** There are so many runs that an array with a place for every frame is no larger than they are, by and large. */
  readonly isClose: boolean;
}

export function extentOf(lists: readonly Ranges[]): FrameExtent {
  let first = Infinity;
  let end = 0;
  let runs = 0;
  for (const { starts, ends } of lists) {
    runs += starts.length;
    for (let i = 0; i < starts.length; i++) {
      if (starts[i]! < first) first = starts[i]!;
      if (ends[i]! > end) end = ends[i]!;
    }
  }
  const frames = Math.max(0, end - first);
  return { first, frames, isClose: frames <= Math.max(FEW_FRAMES, CLOSE * runs) };
}

function marked(lists: readonly Ranges[], { first, frames }: FrameExtent): Marks {
  const isIn = new Uint8Array(frames);
  let count = 0;
  for (const { starts, ends } of lists)
    for (let i = 0; i < starts.length; i++)
      for (let at = starts[i]! - first; at < ends[i]! - first; at++) {
        count += 1 - isIn[at]!;
        isIn[at] = 1;
      }
  return { first, isIn, count };
}

function rangesIn({ first, isIn }: Marks): Ranges {
  const ranges = new RangeList();
  for (let at = 0; at < isIn.length; at++) {
    if (isIn[at] === 0) continue;
    const start = at;
    while (at < isIn.length && isIn[at] === 1) at++;
    ranges.push(first + start, first + at);
  }
  return ranges.ranges();
}

function sorted(lists: readonly Ranges[]): Ranges {
  const all = new RangeList();
  for (const { starts, ends } of lists)
    for (let i = 0; i < starts.length; i++) all.push(starts[i]!, ends[i]!);
  const { starts, ends } = all;
  const ranges = new RangeList();
  for (const i of ascending(starts)) ranges.join(starts[i]!, ends[i]!);
  return ranges.ranges();
}
