import { CACHE_WALK } from "../edit-script/index.ts";
import { NEVER, placeNear } from "./positions.ts";

/** Every invalidation that a script posts, in its order: a column for each thing there is to know. */
export class Invalidations {
  length = 0;
  readonly steps: Int32Array;
  /** Step of the wait that completes it, or NEVER. */
  readonly completes: Int32Array;
  readonly domains: Uint32Array;
  /** Bits of the caches that it reaches. */
  readonly caches: Uint8Array;
  /** 1 where it drops entries that point to tables as well. */
  readonly nonLeaf: Uint8Array;
  /** Its pages, from the first one on and up to the one behind the last. */
  readonly starts: Float64Array;
  readonly ends: Float64Array;
  /** What was found last. */
  #found = 0;

  /** Room for `room` of them, which all have to be pushed. */
  constructor(room: number) {
    this.steps = new Int32Array(room);
    this.completes = new Int32Array(room).fill(NEVER);
    this.domains = new Uint32Array(room);
    this.caches = new Uint8Array(room);
    this.nonLeaf = new Uint8Array(room);
    this.starts = new Float64Array(room);
    this.ends = new Float64Array(room);
  }

  /** Takes one more, and returns its position. */
  push(step: number, domain: number, caches: number, isNonLeaf: boolean, start: number, end: number): number {
    const at = this.length++;
    this.steps[at] = step;
    this.domains[at] = domain;
    this.caches[at] = caches;
    this.nonLeaf[at] = isNonLeaf ? 1 : 0;
    this.starts[at] = start;
    this.ends[at] = end;
    return at;
  }

  /** Position of the first one that is submitted at or behind a step; behind all where there is none. Pre: all are pushed. */
  firstFrom(step: number): number {
    return (this.#found = placeNear(this.steps, step, this.#found));
  }

  /** True iff walks that are under way are stopped, and begin anew. */
  stopsWalks(at: number): boolean {
    return this.nonLeaf[at] === 1 && (this.caches[at]! & CACHE_WALK) !== 0;
  }
}
