import { KernelBug } from "../fault-injection.ts";

/** Free ranges of frame numbers, sorted, never adjacent: the only state of the physical page allocator. */
export class FreeRanges {
  readonly #starts: number[];
  readonly #ends: number[];
  #free: number;

  constructor(start: number, end: number) {
    this.#starts = end > start ? [start] : [];
    this.#ends = end > start ? [end] : [];
    this.#free = end - start;
  }

  /** Frames free in all. */
  get frames(): number {
    return this.#free;
  }

  /**
   * Takes `count` frames from the first fitting place at or after `from`, else from the lowest one.
   * Returns the first frame, a multiple of `align`, or -1.
   */
  take(count: number, align: number, from: number): number {
    const first = this.#firstEndingAfter(from);
    for (let i = first; i < this.#starts.length; i++) {
      const start = Math.ceil(Math.max(this.#starts[i]!, from) / align) * align;
      if (start + count <= this.#ends[i]!) return this.#cut(i, start, start + count);
    }
    for (let i = 0; i <= first && i < this.#starts.length; i++) {
      const start = Math.ceil(this.#starts[i]! / align) * align;
      if (start + count <= this.#ends[i]!) return this.#cut(i, start, start + count);
    }
    return -1;
  }

  /**
   * Takes `count` frames from the highest fitting place. Returns the first frame, a multiple of `align`, or
   * -1.
   */
  takeHighest(count: number, align: number): number {
    for (let i = this.#starts.length - 1; i >= 0; i--) {
      const start = Math.floor((this.#ends[i]! - count) / align) * align;
      if (start >= this.#starts[i]!) return this.#cut(i, start, start + count);
    }
    return -1;
  }

  /** Gives [start, end) back. A frame that is already free is a broken invariant. */
  give(start: number, end: number): void {
    const i = this.#firstEndingAfter(start);
    const previousEnd = i > 0 ? this.#ends[i - 1]! : -1;
    if (i < this.#starts.length && this.#starts[i]! < end)
      throw new KernelBug(`FreeRanges.give: frames ${start}..${end - 1} are free already`);
    const joinsPrevious = previousEnd === start;
    const joinsNext = i < this.#starts.length && this.#starts[i] === end;
    if (joinsPrevious && joinsNext) {
      this.#ends[i - 1] = this.#ends[i]!;
      this.#starts.splice(i, 1);
      this.#ends.splice(i, 1);
    } else if (joinsPrevious) this.#ends[i - 1] = end;
    else if (joinsNext) this.#starts[i] = start;
    else {
      this.#starts.splice(i, 0, start);
      this.#ends.splice(i, 0, end);
    }
    this.#free += end - start;
  }

  #cut(i: number, start: number, end: number): number {
    const oldStart = this.#starts[i]!;
    const oldEnd = this.#ends[i]!;
    if (oldStart === start && oldEnd === end) {
      this.#starts.splice(i, 1);
      this.#ends.splice(i, 1);
    } else if (oldStart === start) this.#starts[i] = end;
    else if (oldEnd === end) this.#ends[i] = start;
    else {
      this.#ends[i] = start;
      this.#starts.splice(i + 1, 0, end);
      this.#ends.splice(i + 1, 0, oldEnd);
    }
    this.#free -= end - start;
    return start;
  }

  #firstEndingAfter(frame: number): number {
    let low = 0;
    let high = this.#ends.length;
    while (low < high) {
      const mid = (low + high) >>> 1;
      if (this.#ends[mid]! > frame) high = mid;
      else low = mid + 1;
    }
    return low;
  }
}
