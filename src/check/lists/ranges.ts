import { ascending } from "./ascending.ts";
import { NO_NUMBERS, NumberList } from "./number-list.ts";

/** Half-open ranges of pages or frames: ascending, free of overlap. */
export interface Ranges {
  readonly starts: Float64Array;
  readonly ends: Float64Array;
}

/** No pages, no frames. */
export const NO_RANGES: Ranges = { starts: NO_NUMBERS, ends: NO_NUMBERS };

/** The one range [start, end). */
export const oneRange = (start: number, end: number): Ranges => ({
  starts: Float64Array.of(start),
  ends: Float64Array.of(end),
});

/** Collects ranges in any order. */
export class RangeList implements Ranges {
  readonly #starts = new NumberList();
  readonly #ends = new NumberList();

  get starts(): Float64Array {
    return this.#starts.values;
  }
  get ends(): Float64Array {
    return this.#ends.values;
  }

  push(start: number, end: number): void {
    this.#starts.push(start);
    this.#ends.push(end);
  }
  /** Adds a range that does not start before the last one, joining the two where they meet. */
  join(start: number, end: number): void {
    const ends = this.#ends;
    if (ends.length === 0 || start > ends.last) this.push(start, end);
    else if (end > ends.last) ends.last = end;
  }
  /** Lets the last range end at `end`. Pre: there is one. */
  extend(end: number): void {
    this.#ends.last = end;
  }
  /** End of the last range, 0 where there is none. */
  get end(): number {
    return this.#ends.length === 0 ? 0 : this.#ends.last;
  }
  /** The same pages, ascending, with ranges that meet joined, and none beyond `limit`. */
  union(limit = Infinity): Ranges {
    const { starts, ends } = this;
    const result = new RangeList();
    for (const i of ascending(starts)) {
      if (starts[i]! >= limit) break;
      result.join(starts[i]!, Math.min(ends[i]!, limit));
    }
    return result.ranges();
  }
  /** The ranges there are now, as plain columns. */
  ranges(): Ranges {
    return { starts: this.starts, ends: this.ends };
  }
}

/** Pages of all ranges together. */
export function pagesIn({ starts, ends }: Ranges): number {
  let pages = 0;
  for (let r = 0; r < starts.length; r++) pages += ends[r]! - starts[r]!;
  return pages;
}

/** True iff one of the ranges has a page in [start, end). */
export function touches(ranges: Ranges, start: number, end: number): boolean {
  const at = firstEndingAfter(ranges, start);
  return at < ranges.starts.length && ranges.starts[at]! < end;
}

/** The pages of two lists, with ranges that meet joined, and none beyond `limit`. */
export function union(a: Ranges, b: Ranges, limit = Infinity): Ranges {
  if (b.starts.length === 0 && lastEnd(a) <= limit) return a;
  if (a.starts.length === 0 && lastEnd(b) <= limit) return b;
  const { starts, ends } = a;
  const { starts: otherStarts, ends: otherEnds } = b;
  const result = new RangeList();
  for (let i = 0, j = 0; ; ) {
    const inA = i < starts.length ? starts[i]! : Infinity;
    const inB = j < otherStarts.length ? otherStarts[j]! : Infinity;
    const start = Math.min(inA, inB);
    if (start >= limit) return result.ranges();
    result.join(start, Math.min(limit, inA <= inB ? ends[i++]! : otherEnds[j++]!));
  }
}

/** All other pages. */
export function outside({ starts, ends }: Ranges): Ranges {
  const others = new RangeList();
  for (let r = 0; r <= starts.length; r++) {
    const start = ends[r - 1] ?? 0;
    const end = starts[r] ?? Infinity;
    if (start < end) others.push(start, end);
  }
  return others.ranges();
}

/** The pages of the first list that are not in the second. */
export function without(a: Ranges, b: Ranges): Ranges {
  const rest = new RangeList();
  for (let i = 0, j = 0; i < a.starts.length; i++) {
    let from = a.starts[i]!;
    const end = a.ends[i]!;
    while (j < b.ends.length && b.ends[j]! <= from) j++;
    for (let hole = j; hole < b.starts.length && b.starts[hole]! < end; hole++) {
      if (from < b.starts[hole]!) rest.push(from, b.starts[hole]!);
      from = b.ends[hole]!;
    }
    if (from < end) rest.push(from, end);
  }
  return rest.ranges();
}

const lastEnd = ({ ends }: Ranges): number => ends[ends.length - 1] ?? 0;

/** Position of the first range that ends behind a page. */
export function firstEndingAfter({ ends }: Ranges, page: number): number {
  let low = 0;
  let high = ends.length;
  while (low < high) {
    const mid = (low + high) >>> 1;
    if (ends[mid]! > page) high = mid;
    else low = mid + 1;
  }
  return low;
}
