import type { MapRun } from "../../edit-script/index.ts";
import { iovaPfn, pfn, type Rights } from "../../units/index.ts";

const FIRST_ROOM = 16;
/** Copying runs costs more than room that is never touched. */
const GROWTH = 4;

/** Runs of one map in columns, sorted by IOVA and free of overlap: a scattered map has a run for every page. */
export class MapRuns {
  length = 0;
  /** First page, and first page behind the run. */
  starts: Float64Array;
  ends: Float64Array;
  frames: Float64Array;
  rights: Uint8Array;

  /** `room`: runs that are expected. */
  constructor(room = FIRST_ROOM) {
    this.starts = new Float64Array(room);
    this.ends = new Float64Array(room);
    this.frames = new Float64Array(room);
    this.rights = new Uint8Array(room);
  }

  /** The runs of a list. `room`: how many are expected. */
  static of(runs: Iterable<MapRun>, room = FIRST_ROOM): MapRuns {
    const all = new MapRuns(room);
    for (const { iovaPfn, pages, pfn, rights } of runs) all.push(iovaPfn, pages, pfn, rights);
    return all;
  }

  /** Adds pages behind the last ones, as part of the last run where they go on with it. */
  push(start: number, pages: number, frame: number, rights: number): void {
    const last = this.length - 1;
    if (
      last >= 0 &&
      this.ends[last] === start &&
      this.frames[last]! + start - this.starts[last]! === frame &&
      this.rights[last] === rights
    ) {
      this.ends[last] = start + pages;
      return;
    }
    if (this.length === this.starts.length) this.#grow();
    const at = this.length++;
    this.starts[at] = start;
    this.ends[at] = start + pages;
    this.frames[at] = frame;
    this.rights[at] = rights;
  }

  /** Position of the first run that ends behind a page; `length` where none does. */
  firstEndingAfter(page: number): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const mid = (low + high) >>> 1;
      if (this.ends[mid]! > page) high = mid;
      else low = mid + 1;
    }
    return low;
  }

  /** One object a run, for readers of a few. */
  *[Symbol.iterator](): Generator<MapRun> {
    for (let i = 0; i < this.length; i++)
      yield {
        iovaPfn: iovaPfn(this.starts[i]!),
        pages: this.ends[i]! - this.starts[i]!,
        pfn: pfn(this.frames[i]!),
        rights: this.rights[i] as Rights,
      };
  }

  #grow(): void {
    const room = GROWTH * this.length + FIRST_ROOM;
    const longer = (from: Float64Array): Float64Array<ArrayBuffer> => {
      const to = new Float64Array(room);
      to.set(from);
      return to;
    };
    this.starts = longer(this.starts);
    this.ends = longer(this.ends);
    this.frames = longer(this.frames);
    const rights = new Uint8Array(room);
    rights.set(this.rights);
    this.rights = rights;
  }
}
