const FIRST_ROOM = 16;

/** No numbers. */
export const NO_NUMBERS = new Float64Array(0);

/**
 * Numbers in the order in which they came. Lists of a scattered map have an element for every page: they take 8 bytes each,
 * and none is copied, or made an object of, when a reader asks for it.
 */
export class NumberList {
  /** All elements, and some room behind them. */
  #all = NO_NUMBERS;
  /** The part of `#all` that readers were given last. */
  #seen = NO_NUMBERS;
  length = 0;

  push(value: number): void {
    if (this.length === this.#all.length) this.#grow();
    this.#all[this.length++] = value;
  }
  /** The last element. Pre: there is one. */
  get last(): number {
    return this.#all[this.length - 1]!;
  }
  set last(value: number) {
    this.#all[this.length - 1] = value;
  }
  /** The elements there are now; valid until the next is added. */
  get values(): Float64Array {
    if (this.#seen.length !== this.length) this.#seen = this.#all.subarray(0, this.length);
    return this.#seen;
  }

  #grow(): void {
    const grown = new Float64Array(Math.max(FIRST_ROOM, 2 * this.length));
    grown.set(this.#all);
    this.#all = grown;
  }
}
