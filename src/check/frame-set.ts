import { ascending } from "./ascending.ts";
import { RangeList, type Ranges } from "./ranges.ts";

/** Most frames, for each of the runs, that are marked one by one; runs that lie further apart are sorted. */
const CLOSE = 32;
/** So many frames may always be marked. */
const FEW_FRAMES = 1 << 12;

/** Frames as ranges, with a directory: millions of runs of a map are asked whether they touch them. */
export class FrameSet implements Ranges {
  readonly starts: ArrayLike<number>;
  readonly ends: ArrayLike<number>;
  /** Frames that one place of the directory stands for. */
  readonly #width: number;
  /** Position of the first range that ends behind the place's first frame. */
  readonly #directory: Uint32Array;
  /** Frame by frame where they lie close together: 1 for those in the set, from the first one on. */
  readonly #marks: Uint8Array | null;

  /** Pre: ascending, free of overlap; `marks` says the same. */
  constructor({ starts, ends }: Ranges, marks: Uint8Array | null = null) {
    this.#marks = marks;
    this.starts = starts;
    this.ends = ends;
    const { length } = starts;
    const first = starts[0] ?? 0;
    this.#width = Math.max(1, Math.ceil(((ends[length - 1] ?? 0) - first) / Math.max(1, length)));
    const places = length === 0 ? 0 : Math.ceil((ends[length - 1]! - first) / this.#width);
    this.#directory = new Uint32Array(places + 1);
    for (let place = 0, at = 0; place <= places; place++) {
      while (at < length && ends[at]! <= first + place * this.#width) at++;
      this.#directory[place] = at;
    }
  }

  /** The frames of runs in any order, which may overlap. */
  static union(...lists: readonly Ranges[]): FrameSet {
    const extent = extentOf(lists);
    if (!extent.isClose) return new FrameSet(sorted(lists));
    const marks = marked(lists, extent);
    return new FrameSet(rangesIn(marks, extent.first), marks);
  }

  get isEmpty(): boolean {
    return this.starts.length === 0;
  }

  equals({ starts, ends }: FrameSet): boolean {
    if (starts.length !== this.starts.length) return false;
    for (let i = 0; i < starts.length; i++)
      if (starts[i] !== this.starts[i] || ends[i] !== this.ends[i]) return false;
    return true;
  }

  /** Position of the first range that ends behind a frame; the number of ranges where none does. */
  firstEndingAfter(frame: number): number {
    const { starts, ends } = this;
    const first = starts[0]!;
    if (starts.length === 0 || frame < first) return 0;
    const place = Math.floor((frame - first) / this.#width);
    if (place + 1 >= this.#directory.length) return starts.length;
    let low = this.#directory[place]!;
    let high = this.#directory[place + 1]!;
    while (low < high) {
      const mid = (low + high) >>> 1;
      if (ends[mid]! > frame) high = mid;
      else low = mid + 1;
    }
    return low;
  }

  /** True iff one of the frames [start, end) is in the set. */
  touches(start: number, end: number): boolean {
    if (this.#marks !== null && end - start === 1) return this.#marks[start - this.starts[0]!] === 1;
    const at = this.firstEndingAfter(start);
    return at < this.starts.length && this.starts[at]! < end;
  }
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

/** A place for each frame there may be, and one behind them that is empty. */
function marked(lists: readonly Ranges[], { first, frames }: FrameExtent): Uint8Array {
  const marks = new Uint8Array(frames + 1);
  for (const { starts, ends } of lists)
    for (let i = 0; i < starts.length; i++)
      for (let at = starts[i]! - first; at < ends[i]! - first; at++) marks[at] = 1;
  return marks;
}

function rangesIn(marks: Uint8Array, first: number): Ranges {
  const ranges = new RangeList();
  for (let at = marks.indexOf(1); at >= 0; ) {
    const end = marks.indexOf(0, at);
    ranges.push(first + at, first + end);
    at = marks.indexOf(1, end);
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
