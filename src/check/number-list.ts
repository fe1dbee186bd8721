const FIRST_CAPACITY = 8;

/** Numbers in the order in which they came, 8 bytes each: lists of a scattered map have an element for every page. */
export class NumberList {
  #values = new Float64Array(FIRST_CAPACITY);
  #seen: Float64Array | null = null;
  length = 0;

  push(value: number): void {
    if (this.length === this.#values.length) this.#grow();
    this.#values[this.length++] = value;
  }
  /** The last element. Pre: there is one. */
  get last(): number {
    return this.#values[this.length - 1]!;
  }
  set last(value: number) {
    this.#values[this.length - 1] = value;
  }
  /** The elements there are now. */
  get values(): Float64Array {
    if (this.#seen?.length !== this.length || this.#seen.buffer !== this.#values.buffer)
      this.#seen = this.#values.subarray(0, this.length);
    return this.#seen;
  }

  #grow(): void {
    const grown = new Float64Array(2 * this.#values.length);
    grown.set(this.#values);
    this.#values = grown;
  }
}
