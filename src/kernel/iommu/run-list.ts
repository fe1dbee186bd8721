import type { IovaPfn, Pfn, Rights } from "../../units/index.ts";

/** `pfn` of a run whose pages become absent. */
export const NO_FRAME = -1;

/** Runs of the first allocation: small arrays cost a call next to nothing. */
const FIRST_RUNS = 8;

/**
 * What changes: runs of IOVA pages, sorted and free of overlap, each with its new frames or none. Pages that no run
 * mentions are kept as they are. Struct of arrays, since a scattered 64 GiB region is 16 million runs.
 */
export class RunList {
  starts = new Float64Array(FIRST_RUNS);
  ends = new Float64Array(FIRST_RUNS);
  /** Frame of the first page of a run, or NO_FRAME. */
  pfns = new Float64Array(FIRST_RUNS);
  rights = new Uint8Array(FIRST_RUNS);
  count = 0;

  /**
   * Appends a run; one that continues the last in IOVA, frames and rights extends it, because leaf sizes do not care where
   * a region or a pinned piece ended. Pre: starts at or after the end of the last run.
   */
  push(start: IovaPfn, pages: number, frame: Pfn | typeof NO_FRAME, rights: Rights): void {
    const last = this.count - 1;
    if (
      last >= 0 &&
      this.ends[last] === start &&
      this.rights[last] === rights &&
      (frame === NO_FRAME
        ? this.pfns[last] === NO_FRAME
        : this.pfns[last] !== NO_FRAME &&
          this.pfns[last]! + (this.ends[last]! - this.starts[last]!) === frame)
    ) {
      this.ends[last] = start + pages;
      return;
    }
    if (this.count === this.starts.length) this.#grow();
    const i = this.count++;
    this.starts[i] = start;
    this.ends[i] = start + pages;
    this.pfns[i] = frame;
    this.rights[i] = rights;
  }

  remove(start: IovaPfn, pages: number): void {
    this.push(start, pages, NO_FRAME, 0);
  }

  #grow(): void {
    const size = this.starts.length * 2;
    const grow = (old: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> => {
      const next = new Float64Array(size);
      next.set(old);
      return next;
    };
    this.starts = grow(this.starts);
    this.ends = grow(this.ends);
    this.pfns = grow(this.pfns);
    const rights = new Uint8Array(size);
    rights.set(this.rights);
    this.rights = rights;
  }

  /** First run in [from, to) that ends after `page`, or `to`. */
  firstEndingAfter(page: number, from: number, to: number): number {
    let low = from;
    let high = to;
    while (low < high) {
      const mid = (low + high) >>> 1;
      if (this.ends[mid]! > page) high = mid;
      else low = mid + 1;
    }
    return low;
  }

  /** First run in [from, to) that starts at or after `page`, or `to`. */
  firstStartingAt(page: number, from: number, to: number): number {
    let low = from;
    let high = to;
    while (low < high) {
      const mid = (low + high) >>> 1;
      if (this.starts[mid]! >= page) high = mid;
      else low = mid + 1;
    }
    return low;
  }

  /** True iff the runs [from, to) leave no page of [start, end) out. */
  covers(start: number, end: number, from: number, to: number): boolean {
    if (from === to || this.starts[from]! > start || this.ends[to - 1]! < end) return false;
    for (let i = from + 1; i < to; i++) if (this.starts[i] !== this.ends[i - 1]) return false;
    return true;
  }

  /** True iff all runs [from, to) make their pages absent. */
  allAbsent(from: number, to: number): boolean {
    for (let i = from; i < to; i++) if (this.pfns[i] !== NO_FRAME) return false;
    return true;
  }

  /** New frame of `page`, which lies in run `i`. Pre: the run has frames. */
  frameAt(i: number, page: number): Pfn {
    return (this.pfns[i]! + (page - this.starts[i]!)) as Pfn;
  }
}
