/*
 * What lets the enumerators play millions of actions: each does the same as before it knew this file, only not twice. Nothing in
 * here knows what a state or a token is.
 */

/** Gives things that are equal one number, by all that they consist of: a state is then a few small numbers. */
export class Numbered<T> {
  readonly #numbers = new Map<string, number>();
  readonly #things: T[] = [];

  of(thing: T): number {
    const text = JSON.stringify(thing);
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    this.#numbers.set(text, this.#things.length);
    return this.#things.push(thing) - 1;
  }

  at(number: number): T {
    return this.#things[number]!;
  }
}

/** A function of one or two small numbers that is asked for the same in many states, and worked out once for each. */
export function remembered<T extends {}>(work: (a: number, b: number) => T): (a: number, b?: number) => T {
  const known: T[][] = [];
  return (a, b = 0) => {
    known[a] ??= [];
    known[a][b] ??= work(a, b);
    return known[a][b];
  };
}

const LIMIT = 1 << 10;
const MOST = 5;

/** One number for up to five small ones, another for any others; there must be as many each time. */
export function joined(numbers: readonly number[]): number {
  if (numbers.length > MOST) throw new RangeError(`joined: ${numbers.length} numbers are too many`);
  let all = 0;
  for (const number of numbers) {
    if (number < 0 || number >= LIMIT) throw new RangeError(`joined: ${number} is too large`);
    all = all * LIMIT + number;
  }
  return all;
}

/** Pairs of numbers that were met. */
export class SeenPairs {
  readonly #seen = new Map<number, Set<number>>();

  /** Returns true iff the pair was not met before. */
  add(one: number, other: number): boolean {
    const others = this.#seen.get(one);
    if (others?.has(other)) return false;
    if (others === undefined) this.#seen.set(one, new Set([other]));
    else others.add(other);
    return true;
  }
}
