import type { Ranges } from "./ranges.ts";

/** Frames as ranges, with a directory: millions of runs of a map are asked whether they touch them. */
export class FrameSet implements Ranges {
  readonly starts: ArrayLike<number>;
  readonly ends: ArrayLike<number>;
  /** Frames that one place of the directory stands for. */
  readonly #width: number;
  /** Position of the first range that ends behind the place's first frame. */
  readonly #directory: Uint32Array;

  /** Pre: ascending, free of overlap. */
  constructor({ starts, ends }: Ranges) {
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

  get isEmpty(): boolean {
    return this.starts.length === 0;
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
    const at = this.firstEndingAfter(start);
    return at < this.starts.length && this.starts[at]! < end;
  }
}
