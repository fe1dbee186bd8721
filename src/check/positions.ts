/**
 * Positions in a script: position 0 is before the first step, position k is after step k. A load at position k sees what
 * steps 1 to k have written; an invalidation that step k submits reaches what was loaded at positions below k; what a wait
 * at step k completes is gone at position k.
 */
export const NEVER = 0x7fff_ffff;

/* Lists are of one type: they are searched for every page, and a search that meets several types takes several times as long. */

/** The first element of an ascending list that is at least `position`, or NEVER. */
export const firstAtOrAfter = (list: Int32Array, position: number): number =>
  list[placeOf(list, position)] ?? NEVER;

/** Where that element stands; the end of the list where there is none. */
const placeOf = (list: Int32Array, position: number): number => placeIn(list, position, 0, list.length);

/** A longer stretch is not halved at first, but looked at where the element stands if the list rises evenly. */
const LONG = 64;

/** The same among the elements [low, high), when all before `low` are smaller. */
function placeIn(list: Int32Array, position: number, from: number, to: number): number {
  let low = from;
  let high = to;
  if (high - low > LONG) {
    const first = list[low]!;
    const last = list[high - 1]!;
    if (position <= first) return low;
    if (position > last) return high;
    const guess = low + Math.floor(((position - first) / (last - first)) * (high - 1 - low));
    let step = 1;
    if (list[guess]! < position) {
      for (low = guess + 1; low + step < high && list[low + step]! < position; step *= 2) low += step;
      high = Math.min(high, low + step);
    } else {
      for (high = guess; high - step > low && list[high - step]! >= position; step *= 2) high -= step;
      low = Math.max(low, high - step);
    }
  }
  while (low < high) {
    const mid = (low + high) >>> 1;
    if (list[mid]! < position) low = mid + 1;
    else high = mid;
  }
  return low;
}

/** Elements behind the last answer that are looked at before the whole list is searched. */
const NEAR = 8;

/** Where it stands, mostly close behind the place before: pages come in the order of their stores more often than not. */
export function placeNear(list: Int32Array, position: number, before: number): number {
  if (before > 0 && list[before - 1]! >= position) return placeIn(list, position, 0, before - 1);
  const near = Math.min(list.length, before + NEAR);
  for (let at = before; at < near; at++) if (list[at]! >= position) return at;
  return placeIn(list, position, near, list.length);
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
