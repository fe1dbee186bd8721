/* Plain stores into tables no walker can reach; one atomic store or exchange links the table afterwards. */

/** Entry i is first + i * stride. Two entries a vector, four vectors a round. */
export function fillRun(slot: usize, entries: u32, first: u64, stride: u64): void {
  const by8: usize = slot + ((entries & ~7) << 3);
  const end: usize = slot + (entries << 3);
  let entry = first;
  if (slot < by8) {
    const step = v128.splat<u64>(stride << 1);
    let pair = i64x2.replace_lane(v128.splat<u64>(first), 1, first + stride);
    while (slot < by8) {
      v128.store(slot, pair);
      pair = i64x2.add(pair, step);
      v128.store(slot, pair, 16);
      pair = i64x2.add(pair, step);
      v128.store(slot, pair, 32);
      pair = i64x2.add(pair, step);
      v128.store(slot, pair, 48);
      pair = i64x2.add(pair, step);
      slot += 64;
    }
    entry += stride * (entries & ~7);
  }
  while (slot < end) {
    store<u64>(slot, entry);
    entry += stride;
    slot += 8;
  }
}

/** Entries as they stand in the script. */
export function gatherRun(slot: usize, entries: u32, from: usize): void {
  memory.copy(slot, from, entries << 3);
}
