/**
 * Positions in a script: position 0 is before the first step, position k is after step k. A load at position k sees what
 * steps 1 to k have written; an invalidation that step k submits reaches what was loaded at positions below k; what a wait
 * at step k completes is gone at position k.
 */
export const NEVER = 0x7fff_ffff;

/** The first element of an ascending list that is at least `position`, or NEVER. */
export function firstAtOrAfter(list: ArrayLike<number>, position: number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const mid = (low + high) >>> 1;
    if (list[mid]! < position) low = mid + 1;
    else high = mid;
  }
  return list[low] ?? NEVER;
}
