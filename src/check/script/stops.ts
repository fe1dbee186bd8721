import { NEVER, placeNear } from "./positions.ts";

/** A stop and the first barrier that is not before it: where one is asked for, so is the other. */
const SHIFT = 1;
const BARRIER = 1;

/**
 * What comes behind the writes of a script: the first step that neither stores nor cleans entries, the *stop*, and the first barrier.
 * A value that a write has overwritten may stay readable up to there. Taking dirty bits is a write too, behind which one may stop.
 */
export class Stops {
  readonly #rows: Int32Array;
  readonly #count: number;
  /** The row found last, and that it is the next one behind steps from this one on, up to its stop. */
  #row = -1;
  #from = 0;
  #to = 0;

  /** `stops`: first such steps behind writes; `barriers`: all there are. Both ascend. */
  constructor(stops: Int32Array, barriers: Int32Array) {
    this.#count = stops.length;
    this.#rows = new Int32Array(stops.length << SHIFT);
    for (let i = 0, next = 0; i < stops.length; i++) {
      const stop = stops[i]!;
      while (next < barriers.length && barriers[next]! < stop) next++;
      this.#rows[i << SHIFT] = stop;
      this.#rows[(i << SHIFT) + BARRIER] = barriers[next] ?? NEVER;
    }
  }

  /** The stop behind a step that writes or cleans entries, or takes dirty bits; NEVER where there is none. */
  behind(step: number): number {
    const row = this.#rowBehind(step);
    return row < this.#count ? this.#rows[row << SHIFT]! : NEVER;
  }

  /** The first barrier behind such a step, or NEVER. */
  barrierBehind(step: number): number {
    const row = this.#rowBehind(step);
    return row < this.#count ? this.#rows[(row << SHIFT) + BARRIER]! : NEVER;
  }

  #rowBehind(step: number): number {
    if (step >= this.#from && step < this.#to) return this.#row;
    this.#row = placeNear(this.#rows, step + 1, Math.max(0, this.#row), SHIFT);
    this.#from = step;
    this.#to = this.#row < this.#count ? this.#rows[this.#row << SHIFT]! : NEVER;
    return this.#row;
  }
}
