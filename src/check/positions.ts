/**
 * Positions in a script: position 0 is before the first step, position k is after step k. A load at position k sees what
 * steps 1 to k have written; an invalidation that step k submits reaches what was loaded at positions below k; what a wait
 * at step k completes is gone at position k.
 */
export const NEVER = 0x7fff_ffff;

/** The first element of an ascending list that is at least `position`, or NEVER. */
export const firstAtOrAfter = (list: ArrayLike<number>, position: number): number =>
  list[placeOf(list, position)] ?? NEVER;

/** Where that element stands; the end of the list where there is none. */
function placeOf(list: ArrayLike<number>, position: number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const mid = (low + high) >>> 1;
    if (list[mid]! < position) low = mid + 1;
    else high = mid;
  }
  return low;
}

/** Elements behind the last answer that are looked at before the whole list is searched. */
const NEAR = 8;

/** Finds positions in an ascending list, mostly close behind the one before: pages come in the order of their stores more often than not. */
export class PositionFinder {
  readonly #list: ArrayLike<number>;
  /** Where the last answer stands. */
  #at = 0;

  constructor(list: ArrayLike<number>) {
    this.#list = list;
  }

  /** The first element that is at least `position`, or NEVER. */
  firstAtOrAfter(position: number): number {
    const list = this.#list;
    let at = this.#at;
    if (at === 0 || list[at - 1]! < position)
      for (const end = Math.min(list.length, at + NEAR); at < end; at++)
        if (list[at]! >= position) {
          this.#at = at;
          return list[at]!;
        }
    this.#at = placeOf(list, position);
    return list[this.#at] ?? NEVER;
  }
}
