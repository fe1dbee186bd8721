/**
 * A seeded permutation of [0, size), computed and never stored: the layout of scattered memory costs nothing
 * per frame.
 *
 * Two rounds of odd multiplication and xor-shift on the next power of two; values outside are walked until
 * they fall inside, which takes fewer than two rounds on average.
 */
export class Permutation {
  readonly size: number;
  readonly #mask: number;
  readonly #shift: number;
  readonly #multiplier1: number;
  readonly #multiplier2: number;
  readonly #offset: number;

  /** Pre: 1 ≤ size ≤ 2^30. */
  constructor(size: number, seed: number) {
    const bits = size <= 1 ? 0 : 32 - Math.clz32(size - 1);
    this.size = size;
    this.#mask = 2 ** bits - 1;
    this.#shift = Math.max(1, (bits + 1) >>> 1);
    this.#multiplier1 = scramble(seed) | 1;
    this.#multiplier2 = scramble(seed ^ 0x5bd1_e995) | 1;
    this.#offset = scramble(seed + 0x27d4_eb2f);
  }

  /** Image of `index`. Pre: 0 ≤ index < size. */
  at(index: number): number {
    let x = index;
    do {
      x = (Math.imul(x, this.#multiplier1) + this.#offset) & this.#mask;
      x ^= x >>> this.#shift;
      x = Math.imul(x, this.#multiplier2) & this.#mask;
      x ^= x >>> this.#shift;
    } while (x >= this.size);
    return x;
  }
}

/** A well-mixed 32-bit word from a seed (finalizer of the murmur3 hash). */
export function scramble(seed: number): number {
  let x = seed | 0;
  x = Math.imul(x ^ (x >>> 16), 0x85eb_ca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2_ae35);
  return x ^ (x >>> 16);
}
