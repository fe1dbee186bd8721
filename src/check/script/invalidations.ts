import { CACHE_ATC, CACHE_WALK } from "../../edit-script/index.ts";
import { NEVER, placeNear } from "./positions.ts";

/** What is asked of one invalidation at a time stands in one row: step, `completes`, `drained`, and what it reaches. */
const SHIFT = 2;
const COMPLETES = 1;
const DRAINED = 2;
const REACH = 3;
/** In what it reaches, above the bits of the caches. */
const NON_LEAF = 1 << 8;

/** Every invalidation that a script posts, in its order. */
export class Invalidations {
  length = 0;
  readonly #rows: Int32Array;
  readonly domains: Uint32Array;
  /** Its pages, from the first one on and up to the one behind the last. */
  readonly starts: Float64Array;
  readonly ends: Float64Array;
  /** What was found last. */
  #found = 0;

  /** Room for `room` of them, which all have to be pushed. `starts`, `ends`: columns for their pages. */
  constructor(
    room: number,
    starts: Float64Array = new Float64Array(room),
    ends: Float64Array = new Float64Array(room),
  ) {
    this.#rows = new Int32Array(room << SHIFT);
    this.domains = new Uint32Array(room);
    this.starts = starts;
    this.ends = ends;
  }

  /** Some of them in the order in which they will be asked for, with their pages in columns: copied in a row, they are fetched many at a time. */
  inOrder(positions: Int32Array, starts: Float64Array, ends: Float64Array): Invalidations {
    const { length } = positions;
    const ordered = new Invalidations(length, starts, ends);
    const [from, to] = [this.#rows, ordered.#rows];
    for (let i = 0; i < length; i++) {
      const own = positions[i]! << SHIFT;
      const row = i << SHIFT;
      to[row] = from[own]!;
      to[row + COMPLETES] = from[own + COMPLETES]!;
      to[row + DRAINED] = from[own + DRAINED]!;
      to[row + REACH] = from[own + REACH]!;
      ordered.domains[i] = this.domains[positions[i]!]!;
    }
    ordered.length = length;
    return ordered;
  }

  /**
   * The same as devices see them that use a tag and have used others, or will: what reaches their own caches, which know no tags, reaches
   * them by any of these.
   */
  under(tag: number, tags: ReadonlySet<number>): Invalidations {
    const seen = new Invalidations(this.length, this.starts, this.ends);
    seen.#rows.set(this.#rows);
    seen.domains.set(this.domains);
    seen.length = this.length;
    for (let at = 0; at < this.length; at++) {
      const own = this.domains[at]!;
      if (own === tag || !tags.has(own) || (this.caches(at) & CACHE_ATC) === 0) continue;
      seen.domains[at] = tag;
      seen.#rows[(at << SHIFT) + REACH] = CACHE_ATC;
    }
    return seen;
  }

  /** Takes one more, and returns its position. */
  push(step: number, domain: number, caches: number, isNonLeaf: boolean, start: number, end: number): number {
    const at = this.length++;
    const row = at << SHIFT;
    const rows = this.#rows;
    rows[row] = step;
    rows[row + COMPLETES] = rows[row + DRAINED] = NEVER;
    rows[row + REACH] = (caches & (NON_LEAF - 1)) | (isNonLeaf ? NON_LEAF : 0);
    this.domains[at] = domain;
    this.starts[at] = start;
    this.ends[at] = end;
    return at;
  }

  /** The step that submits it. */
  step(at: number): number {
    return this.#rows[at << SHIFT]!;
  }
  /** Step of the wait that completes it, or NEVER. */
  completes(at: number): number {
    return this.#rows[(at << SHIFT) + COMPLETES]!;
  }
  complete(at: number, step: number): void {
    this.#rows[(at << SHIFT) + COMPLETES] = step;
  }
  /** Step by which accesses with what it drops have been performed, or NEVER. */
  drained(at: number): number {
    return this.#rows[(at << SHIFT) + DRAINED]!;
  }
  drain(at: number, step: number): void {
    this.#rows[(at << SHIFT) + DRAINED] = step;
  }
  /** Bits of the caches that it reaches. */
  caches(at: number): number {
    return this.#rows[(at << SHIFT) + REACH]! & (NON_LEAF - 1);
  }
  /** True iff it drops entries that point to tables as well. */
  isNonLeaf(at: number): boolean {
    return this.#rows[(at << SHIFT) + REACH]! >= NON_LEAF;
  }
  /** True iff walks that are under way are stopped, and begin anew. */
  stopsWalks(at: number): boolean {
    const reach = this.#rows[(at << SHIFT) + REACH]!;
    return reach >= NON_LEAF && (reach & CACHE_WALK) !== 0;
  }

  /** Position of the first one that is submitted at or behind a step; behind all where there is none. Pre: all are pushed. */
  firstFrom(step: number): number {
    return (this.#found = placeNear(this.#rows, step, this.#found, SHIFT));
  }
}
