import { CTL_CONTEXTS } from "../layout";

/* Shared words for the TypeScript side, so that no other room needs atomics of its own. */

export function fetch32(at: usize): u32 {
  return atomic.load<u32>(at);
}
export function publish32(at: usize, value: u32): void {
  atomic.store<u32>(at, value);
}
export function addAndFetch(at: usize, value: u32): u32 {
  return atomic.add<u32>(at, value) + value;
}
/** Sleeps while the word holds `value`, at most `nanoseconds`; -1 = without limit. */
export function waitWhile(at: usize, value: u32, nanoseconds: f64): void {
  atomic.wait<i32>(at, i32(value), i64(nanoseconds));
}
export function notify(at: usize): void {
  atomic.notify(at, -1);
}

/** Context entry: one word, so that root, levels and domain change together. levels 0 blocks the device. */
export function setContext(m: usize, device: u32, domain: u32, root: u32, levels: u32): void {
  const word = levels === 0 ? 0 : ((<u64>domain) << 40) | ((<u64>levels) << 32) | <u64>root;
  atomic.store<u64>(m + (device << 3), word, CTL_CONTEXTS);
}
export function contextRoot(word: u64): u32 {
  return u32(word);
}
export function contextLevels(word: u64): i32 {
  return i32(word >> 32) & 0xff;
}
export function contextDomain(word: u64): u32 {
  return u32(word >> 40);
}
