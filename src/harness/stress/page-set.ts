/** A set of I/O pages held as sorted, disjoint ranges that do not touch. */
export class PageSet {
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];

  /** Pages in the set. */
  get size(): number {
    return this.#starts.reduce((sum, start, i) => sum + this.#ends[i]! - start, 0);
  }

  /** The first page, or null. */
  get first(): number | null {
    return this.#starts[0] ?? null;
  }

  clear(): void {
    this.#starts.length = this.#ends.length = 0;
  }

  add(start: number, end: number): void {
    if (start >= end) return;
    const from = this.#firstEndingAtOrAfter(start);
    let to = from;
    while (to < this.#starts.length && this.#starts[to]! <= end) to++;
    const first = from < to ? Math.min(start, this.#starts[from]!) : start;
    const last = from < to ? Math.max(end, this.#ends[to - 1]!) : end;
    this.#starts.splice(from, to - from, first);
    this.#ends.splice(from, to - from, last);
  }

  /** The parts of [start, end) that are not in the set, ascending. */
  missing(start: number, end: number): [start: number, end: number][] {
    const parts: [number, number][] = [];
    let at = start;
    for (let i = this.#firstEndingAtOrAfter(start); i < this.#starts.length && at < end; i++) {
      if (this.#starts[i]! >= end) break;
      if (this.#starts[i]! > at) parts.push([at, this.#starts[i]!]);
      at = Math.max(at, this.#ends[i]!);
    }
    if (at < end) parts.push([at, end]);
    return parts;
  }

  #firstEndingAtOrAfter(page: number): number {
    let low = 0;
    let high = this.#ends.length;
    while (low < high) {
      const mid = (low + high) >>> 1;
      if (this.#ends[mid]! >= page) high = mid;
      else low = mid + 1;
    }
    return low;
  }
}
