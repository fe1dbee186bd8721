const RADIX_LG2 = 11;
const RADIX = 1 << RADIX_LG2;
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
  let sorted = new Uint32Array(length);
  const begins = new Uint32Array(RADIX);
  for (let unit = 1; unit <= most - least; unit *= RADIX) {
    begins.fill(0);
    for (let i = 0; i < length; i++) begins[digit(keys[i]! - least, unit)]!++;
    let begin = 0;
    for (let d = 0; d < RADIX; d++) {
      const count = begins[d]!;
      begins[d] = begin;
      begin += count;
    }
    for (let i = 0; i < length; i++) {
      const at = order[i]!;
      sorted[begins[digit(keys[at]! - least, unit)]!++] = at;
    }
    [order, sorted] = [sorted, order];
  }
  return order;
}

const digit = (key: number, unit: number): number => Math.floor(key / unit) & (RADIX - 1);
