/** Longer lists are kept in a typed array: 8 bytes an element, and none is copied when a reader asks for them. */
const SHORT = 256;

/** Numbers in the order in which they came. Lists of a scattered map have an element for every page, most others a few. */
export class NumberList {
  readonly #short: number[] = [];
  /** All elements once there are many, and some room behind them. */
  #long: Float64Array | null = null;
  /** The part of `#long` that readers were given last. */
  #seen: Float64Array | null = null;
  length = 0;

  push(value: number): void {
    if (this.#long === null && this.length < SHORT) this.#short.push(value);
    else {
      if (this.#long === null || this.length === this.#long.length) this.#grow();
      this.#long![this.length] = value;
    }
    this.length++;
  }
  /** The last element. Pre: there is one. */
  get last(): number {
    return (this.#long ?? this.#short)[this.length - 1]!;
  }
  set last(value: number) {
    (this.#long ?? this.#short)[this.length - 1] = value;
  }
  /** The elements there are now; valid until the next is added. */
  get values(): ArrayLike<number> {
    if (this.#long === null) return this.#short;
    if (this.#seen?.length !== this.length || this.#seen.buffer !== this.#long.buffer)
      this.#seen = this.#long.subarray(0, this.length);
    return this.#seen;
  }

  #grow(): void {
    const grown = new Float64Array(2 * this.length);
    grown.set(this.#long ?? this.#short);
    this.#long = grown;
  }
}
