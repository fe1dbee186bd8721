import type { MapRun } from "./text.ts";

/** What a call makes of the map before it. */
export type MapChange = (before: readonly MapRun[]) => readonly MapRun[];

/**
 * The maps that the calls of a recording lead to. Only the one asked for last is kept: thousands of calls would have as many maps of
 * thousands of runs.
 */
export class CallMaps {
  readonly #first: readonly MapRun[];
  readonly #changes: readonly MapChange[];
  /** The map behind this call; -1 for the one before the first. */
  #call = -1;
  #map: readonly MapRun[];

  constructor(first: readonly MapRun[], changes: readonly MapChange[]) {
    this.#first = first;
    this.#changes = changes;
    this.#map = first;
  }

  /** The map behind a call, by index. */
  after(call: number): readonly MapRun[] {
    if (call < this.#call) {
      this.#call = -1;
      this.#map = this.#first;
    }
    while (this.#call < call) this.#map = this.#changes[++this.#call]!(this.#map);
    return this.#map;
  }
}
