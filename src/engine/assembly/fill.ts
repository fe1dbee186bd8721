/* Plain stores into tables no walker can reach; one atomic store or exchange links the table afterwards. */

/** Entry i is first + i * stride. */
export function fillRun(slot: usize, entries: u32, first: u64, stride: u64): void {
  const two = stride + stride;
  const three = two + stride;
  const four = two + two;
  const by4: usize = slot + ((entries & ~3) << 3);
  const end: usize = slot + (entries << 3);
  let entry = first;
  while (slot < by4) {
    store<u64>(slot, entry);
    store<u64>(slot, entry + stride, 8);
    store<u64>(slot, entry + two, 16);
    store<u64>(slot, entry + three, 24);
    entry += four;
    slot += 32;
  }
  while (slot < end) {
    store<u64>(slot, entry);
    entry += stride;
    slot += 8;
  }
}

export function gatherRun(slot: usize, entries: u32, from: usize): void {
  memory.copy(slot, from, entries << 3);
}
