import { MapRuns } from "../../check/index.ts";
import type { MapRegion } from "../../vmm/index.ts";
import type { FrameRunMaps } from "./frame-runs.ts";

/** Both maps of a change show most of their memory in a few large pieces. */
const KEPT = 4;
/** Smaller pieces are asked for again. */
const WORTH_KEEPING = 64;

/** Runs of frames behind neighbouring virtual pages, one after the other. */
interface RunCursor {
  /** First virtual page of the run at hand, its pages and its first frame. */
  readonly start: number;
  readonly pages: number;
  readonly frame: number;
  /** Goes on to the next run; false where there is none. */
  next(): boolean;
}

/** A stretch of virtual pages that was read, and its runs by virtual page. */
interface Stretch {
  readonly start: number;
  readonly end: number;
  readonly runs: MapRuns;
}

/**
 * The frames behind the memory of one change, asked of the pagemap once: two maps show the same memory, and to ask for each page
 * of a scattered guest costs as much as to judge it. Pre: memory stays where it is while the change is decided.
 */
export class ReadFrames {
  readonly #frames: FrameRunMaps;
  readonly #stretches: Stretch[] = [];

  constructor(frames: FrameRunMaps) {
    this.#frames = frames;
  }

  /** The runs behind a region. */
  cursor(region: MapRegion): RunCursor {
    const start = this.#frames.vaddrPfn(region);
    const end = start + region.pages;
    let stretch = this.#stretches.find((known) => known.start <= start && end <= known.end);
    if (stretch === undefined) {
      if (region.pages < WORTH_KEEPING) return this.#frames.frameCursor(region);
      const runs = new MapRuns();
      const cursor = this.#frames.frameCursor(region);
      while (cursor.next()) runs.push(cursor.start, cursor.pages, cursor.frame, 0);
      stretch = { start, end, runs };
      if (this.#stretches.length === KEPT) this.#stretches.shift();
      this.#stretches.push(stretch);
    }
    return new ReadCursor(stretch.runs, start, end);
  }
}

class ReadCursor implements RunCursor {
  readonly #runs: MapRuns;
  readonly #first: number;
  readonly #end: number;
  #at: number;
  start = 0;
  pages = 0;
  frame = 0;

  /** The part of the runs that lies in [first, end). */
  constructor(runs: MapRuns, first: number, end: number) {
    this.#runs = runs;
    this.#first = first;
    this.#end = end;
    this.#at = runs.firstEndingAfter(first);
  }

  next(): boolean {
    const { length, starts, ends, frames } = this.#runs;
    const at = this.#at;
    if (at >= length || starts[at]! >= this.#end) return false;
    this.#at = at + 1;
    const start = Math.max(starts[at]!, this.#first);
    this.start = start;
    this.pages = Math.min(ends[at]!, this.#end) - start;
    this.frame = frames[at]! + start - starts[at]!;
    return true;
  }
}
