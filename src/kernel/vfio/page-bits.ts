/* Bitmaps of pages as VFIO hands them out: bit i of the bitmap is bit i % 8 of byte i / 8. */

/** Sets bits [from, to). */
export function setBits(bytes: Uint8Array, from: number, to: number): void {
  const firstWhole = Math.ceil(from / 8);
  const endWhole = Math.floor(to / 8);
  if (firstWhole <= endWhole) bytes.fill(0xff, firstWhole, endWhole);
  for (let bit = from; bit < Math.min(to, firstWhole * 8); bit++) bytes[bit >> 3]! |= 1 << (bit & 7);
  for (let bit = Math.max(from, endWhole * 8); bit < to; bit++) bytes[bit >> 3]! |= 1 << (bit & 7);
}

/** Sets the low `count` bits that are set in `from`. */
export function orLowBits(bytes: Uint8Array, from: Uint8Array, count: number): void {
  for (let bit = 0; bit < count; bit++) bytes[bit >> 3]! |= from[bit >> 3]! & (1 << (bit & 7));
}

/**
 * Sets every bit b of `bytes` for which bit b + shift of `from` is set. `shift` may be negative; beyond its ends `from` has
 * no bits.
 */
export function orShifted(bytes: Uint8Array, from: Uint8Array, shift: number): void {
  const whole = Math.floor(shift / 8);
  const within = shift - whole * 8;
  const first = Math.max(0, -whole - 1);
  const end = Math.min(bytes.length, from.length - whole);
  for (let i = first; i < end; i++)
    bytes[i]! |= ((from[i + whole] ?? 0) | ((from[i + whole + 1] ?? 0) << 8)) >> within;
}
