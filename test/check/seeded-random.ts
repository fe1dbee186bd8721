/** A small generator of whole numbers below a bound, the same for the same seed. */
export function seededRandom(seed: number): (bound: number) => number {
  let state = (seed * 0x9e37_79b1) >>> 0 || 1;
  return (bound) => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state % bound;
  };
}
