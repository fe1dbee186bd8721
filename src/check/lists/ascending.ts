const RADIX_LG2 = 11;
const RADIX = 1 << RADIX_LG2;
const TWO32 = 0x1_0000_0000;
/** Shorter lists are sorted by comparing. */
const SHORT = 256;

/** Positions of the keys in ascending order; equal keys stay in the order they have. Pre: keys are whole, from 0 to 2^53. */
export function ascending(keys: ArrayLike<number>): Uint32Array {
  const { length } = keys;
  let order = new Uint32Array(length);
  let isAscending = true;
  let least = Infinity;
  let most = 0;
  for (let i = 0; i < length; i++) {
    const key = keys[i]!;
    order[i] = i;
    if (key < most) isAscending = false;
    if (key > most) most = key;
    if (key < least) least = key;
  }
  if (isAscending) return order;
  if (length < SHORT) return order.sort((a, b) => keys[a]! - keys[b]! || a - b);
  // Distances from the least key, in words of 32 bits: nearly always the upper ones are all 0.
  const low = new Uint32Array(length);
  for (let i = 0; i < length; i++) low[i] = keys[i]! - least;
  order = byWord(order, low, Math.min(most - least, 0xffff_ffff));
  if (most - least < TWO32) return order;
  const high = new Uint32Array(length);
  for (let i = 0; i < length; i++) high[i] = (keys[i]! - least) / TWO32;
  return byWord(order, high, (most - least) / TWO32);
}

/** Place of the first of ascending numbers that is at least `value`; the end of the list where there is none. */
export function firstAtLeast(list: ArrayLike<number>, value: number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const mid = (low + high) >>> 1;
    if (list[mid]! < value) low = mid + 1;
    else high = mid;
  }
  return low;
}

/** Sorts positions by their word, digit by digit; equal words stay in the order they have. */
function byWord(
  positions: Uint32Array<ArrayBuffer>,
  words: Uint32Array,
  most: number,
): Uint32Array<ArrayBuffer> {
  let order = positions;
  let sorted = new Uint32Array(order.length);
  const begins = new Uint32Array(RADIX);
  for (let shift = 0; shift < 32 && most >= 2 ** shift; shift += RADIX_LG2) {
    begins.fill(0);
    for (let i = 0; i < words.length; i++) begins[(words[i]! >>> shift) & (RADIX - 1)]!++;
    let begin = 0;
    for (let digit = 0; digit < RADIX; digit++) {
      const count = begins[digit]!;
      begins[digit] = begin;
      begin += count;
    }
    for (let i = 0; i < order.length; i++) {
      const at = order[i]!;
      const digit = (words[at]! >>> shift) & (RADIX - 1);
      sorted[begins[digit]!] = at;
      begins[digit]!++;
    }
    [order, sorted] = [sorted, order];
  }
  return order;
}
