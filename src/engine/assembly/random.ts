/** Advances the xorshift generator in the word at `state` (never 0) and returns 64 bits, the upper ones best. */
export function nextRandom(state: usize): u64 {
  let s = load<u64>(state);
  s ^= s << 13;
  s ^= s >> 7;
  s ^= s << 17;
  store<u64>(state, s);
  return s * (((<u64>0x2545_f491) << 32) | 0x4f6c_dd1d);
}

/** Spends time: `times` atomic loads, which no optimiser may drop. */
export function spin(at: usize, times: u32): void {
  for (let i: u32 = 0; i < times; i++) atomic.load<u32>(at);
}
