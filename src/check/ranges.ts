import { ascending } from "./ascending.ts";

/** Half-open ranges of pages or frames: ascending, free of overlap. */
export interface Ranges {
  readonly starts: readonly number[];
  readonly ends: readonly number[];
}

/** Collects ranges in any order. */
export class RangeList implements Ranges {
  readonly starts: number[] = [];
  readonly ends: number[] = [];

  push(start: number, end: number): void {
    this.starts.push(start);
    this.ends.push(end);
  }
  /** Adds a range that does not start before the last one, joining the two where they meet. */
  join(start: number, end: number): void {
    const last = this.ends.length - 1;
    if (last < 0 || start > this.ends[last]!) this.push(start, end);
    else if (end > this.ends[last]!) this.ends[last] = end;
  }
  /** The same pages, ascending, with ranges that meet joined, and none beyond `limit`. */
  union(limit = Infinity): Ranges {
    const result = new RangeList();
    for (const i of ascending(this.starts)) {
      if (this.starts[i]! >= limit) break;
      result.join(this.starts[i]!, Math.min(this.ends[i]!, limit));
    }
    return result;
  }
}

/** The pages of two lists, with ranges that meet joined, and none beyond `limit`. */
export function union(a: Ranges, b: Ranges, limit = Infinity): Ranges {
  if (b.starts.length === 0 && (a.ends.at(-1) ?? 0) <= limit) return a;
  if (a.starts.length === 0 && (b.ends.at(-1) ?? 0) <= limit) return b;
  const result = new RangeList();
  for (let i = 0, j = 0; ; ) {
    const [inA, inB] = [a.starts[i] ?? Infinity, b.starts[j] ?? Infinity];
    const start = Math.min(inA, inB);
    if (start >= limit) return result;
    result.join(start, Math.min(limit, inA <= inB ? a.ends[i++]! : b.ends[j++]!));
  }
}

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
