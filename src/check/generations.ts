import type { Invalidations } from "./invalidations.ts";
import { NEVER, placeNear } from "./positions.ts";

/** How the invalidations that stop walks cut time, for some pages. */
export class Generations {
  readonly length: number;
  /** A walk of generation g makes its first load at a position in [begins[g], begins[g + 1]). */
  readonly begins: Int32Array;
  /** Position at which nothing is left of what walks of a generation hold. */
  readonly deaths: Int32Array;
  /** What was answered last. */
  #alive = 0;
  #begun = 0;

  private constructor(begins: Int32Array, deaths: Int32Array) {
    this.length = deaths.length;
    this.begins = begins;
    this.deaths = deaths;
  }

  /** No walk is ever stopped. */
  static readonly whole = new Generations(Int32Array.of(0, NEVER), Int32Array.of(NEVER));

  /** The same with more stops, in queue order: those of a page beside the ones that all pages share. */
  cut(posted: Invalidations, stops: ArrayLike<number>): Generations {
    const count = this.length - 1;
    const begins = new Int32Array(count + stops.length + 2);
    const deaths = new Int32Array(count + stops.length + 1);
    let from = 0;
    for (let k = 0; k <= stops.length; k++) {
      const step = k < stops.length ? posted.steps[stops[k]!]! : NEVER;
      const to = placeNear(this.begins, step, from + 1) - 1;
      if (from < to) {
        begins.set(this.begins.subarray(from + 1, to + 1), from + k + 1);
        deaths.set(this.deaths.subarray(from, to), from + k);
      }
      begins[to + k + 1] = step;
      deaths[to + k] = k < stops.length ? posted.completes[stops[k]!]! : NEVER;
      from = to;
    }
    return new Generations(begins, deaths);
  }

  /** The first generation that is not dead at a position. */
  firstAlive(position: number): number {
    // What was there before the script is asked for as often as what is written.
    if (this.deaths[0]! > position) return 0;
    return (this.#alive = placeNear(this.deaths, position + 1, this.#alive));
  }

  /** The last generation that begins before a position. Pre: the position is not 0. */
  lastBegun(position: number): number {
    if (this.begins[this.length - 1]! < position) return this.length - 1;
    this.#begun = placeNear(this.begins, position, this.#begun);
    return this.#begun - 1;
  }
}
