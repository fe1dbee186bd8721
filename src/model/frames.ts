import { type Pfn, pfn } from "../units/index.ts";

/** Which frame backs a page of the process's memory: data the judge is given, not a walk of anything. */
export interface FrameSource {
  /** The frame behind a page, or null where nothing is. */
  frameAt(vaddrPfn: number): Pfn | null;
}

/** One contiguous piece of backing: pages `vaddrPfn + i` live in frames `pfn + i`. */
export interface FrameRun {
  readonly vaddrPfn: number;
  readonly pages: number;
  readonly pfn: number;
}

/** Frame lookup over runs sorted once. Pre: runs do not overlap. */
export class FrameRuns implements FrameSource {
  readonly #runs: readonly FrameRun[];

  constructor(runs: Iterable<FrameRun>) {
    this.#runs = [...runs].sort((a, b) => a.vaddrPfn - b.vaddrPfn);
  }

  frameAt(vaddrPfn: number): Pfn | null {
    let low = 0;
    let high = this.#runs.length;
    while (low < high) {
      const mid = (low + high) >>> 1;
      const run = this.#runs[mid]!;
      if (run.vaddrPfn + run.pages > vaddrPfn) high = mid;
      else low = mid + 1;
    }
    const run = this.#runs[low];
    return run !== undefined && run.vaddrPfn <= vaddrPfn ? pfn(run.pfn + vaddrPfn - run.vaddrPfn) : null;
  }
}
