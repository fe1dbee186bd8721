/**
 * Positions in a script: position 0 is before the first step, position k is after step k. A load at position k sees what
 * steps 1 to k have written; an invalidation that step k submits reaches what was loaded at positions below k; what a wait
 * at step k completes is gone at position k.
 */
export const NEVER = 0x7fff_ffff;

/*
 * Lists are of one type: they are searched for every page, and a search that meets several types takes several times as long.
 * With `shift` they are rows of 2 ** shift numbers, of which the first are searched: what belongs together is fetched at once.
 */

/** The first element of an ascending list that is at least `position`, or NEVER. */
export const firstAtOrAfter = (list: Int32Array, position: number): number =>
  list[placeOf(list, position)] ?? NEVER;

/** Where that element stands; the end of the list where there is none. */
export const placeOf = (list: Int32Array, position: number): number =>
  placeIn(list, position, 0, list.length, 0);

/** A longer stretch is not halved at first, but looked at where the element stands if the list rises evenly. */
const LONG = 64;

/** The same among the rows [from, to), when all before `from` are smaller. */
function placeIn(list: Int32Array, position: number, from: number, to: number, shift: number): number {
  let low = from;
  let high = to;
  if (high - low > LONG) {
    const first = list[low << shift]!;
    const last = list[(high - 1) << shift]!;
    if (position <= first) return low;
    if (position > last) return high;
    const guess = low + Math.floor(((position - first) / (last - first)) * (high - 1 - low));
    let step = 1;
    if (list[guess << shift]! < position) {
      for (low = guess + 1; low + step < high && list[(low + step) << shift]! < position; step *= 2)
        low += step;
      high = Math.min(high, low + step);
    } else {
      for (high = guess; high - step > low && list[(high - step) << shift]! >= position; step *= 2)
        high -= step;
      low = Math.max(low, high - step);
    }
  }
  while (low < high) {
    const mid = (low + high) >>> 1;
    if (list[mid << shift]! < position) low = mid + 1;
    else high = mid;
  }
  return low;
}

/** Rows behind the last answer that are looked at before the whole list is searched. */
const NEAR = 8;

/**
 * The first row that begins with at least `position`, mostly close behind the place before: pages come in the order of their stores
 * more often than not.
 */
export function placeNear(list: Int32Array, position: number, before: number, shift = 0): number {
  if (before > 0 && list[(before - 1) << shift]! >= position)
    return placeIn(list, position, 0, before - 1, shift);
  const rows = list.length >>> shift;
  const near = Math.min(rows, before + NEAR);
  for (let at = before; at < near; at++) if (list[at << shift]! >= position) return at;
  return placeIn(list, position, near, rows, shift);
}

/** Finds positions in an ascending list, one after the other. */
export class PositionFinder {
  readonly #list: Int32Array;
  /** Where the last answer stands. */
  #at = 0;

  constructor(list: Int32Array) {
    this.#list = list;
  }

  /** The first element that is at least `position`, or NEVER. */
  firstAtOrAfter(position: number): number {
    this.#at = placeNear(this.#list, position, this.#at);
    return this.#list[this.#at] ?? NEVER;
  }
}
