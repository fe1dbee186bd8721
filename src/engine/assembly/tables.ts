import {
  CTL_CLOCK,
  CTL_LIFE,
  CTL_READ,
  CTL_TABLE_PAGES,
  LIFE_LIVE,
  POISON_HIGH,
  POISON_LOW,
} from "../layout";
import { forgetFound } from "./dirty";
import { childOffset, isLeaf, isPresent, isReserved, isTablePointer, leafFrame, READ_WRITE } from "./entry";

/** Offset of the life word of the table at `table`. */
export function lifeWord(m: usize, table: u32): usize {
  return load<u32>(m, CTL_LIFE) + ((table >> 12) << 2);
}

/** Marks a table page live and keeps the clock of its last free; what was found in its former life is forgotten. */
export function claimTable(m: usize, table: u32): void {
  const word = lifeWord(m, table);
  atomic.store<u32>(word, atomic.load<u32>(word) | LIFE_LIVE);
  forgetFound(m, table);
}

export function tableLife(m: usize, table: u32): u32 {
  return atomic.load<u32>(lifeWord(m, table));
}

/** Marks the page dead before it is poisoned, so that a walker that reads poison finds it dead. False: it was dead. */
export function freeTable(m: usize, table: u32): bool {
  const word = lifeWord(m, table);
  if ((atomic.load<u32>(word) & LIFE_LIVE) === 0) return false;
  const clock = atomic.add<u32>(m, 1, CTL_CLOCK) + 1;
  atomic.store<u32>(word, clock << 1);
  const poison = v128.splat<u64>(((<u64>POISON_HIGH) << 32) | <u64>(<u32>POISON_LOW));
  for (let at: usize = table, end: usize = table + 4096; at < end; at += 64) {
    v128.store(at, poison);
    v128.store(at, poison, 16);
    v128.store(at, poison, 32);
    v128.store(at, poison, 48);
  }
  return true;
}

/** Copies a table, entry by entry with atomic loads, into the read buffer and returns its offset. */
export function readTable(m: usize, table: u32): u32 {
  const buffer = load<u32>(m, CTL_READ);
  for (let i: usize = 0; i < 4096; i += 32) {
    store<u64>(buffer + i, atomic.load<u64>(table + i));
    store<u64>(buffer + i, atomic.load<u64>(table + i, 8), 8);
    store<u64>(buffer + i, atomic.load<u64>(table + i, 16), 16);
    store<u64>(buffer + i, atomic.load<u64>(table + i, 24), 24);
  }
  return buffer;
}

/** One atomic load; the value waits in the read buffer, the low half is returned. */
export function entryLow(m: usize, table: u32, index: u32): u32 {
  const entry = atomic.load<u64>(table + (index << 3));
  store<u64>(load<u32>(m, CTL_READ), entry);
  return u32(entry);
}
/** High half of the entry that `entryLow` loaded last. */
export function entryHigh(m: usize): u32 {
  return load<u32>(load<u32>(m, CTL_READ), 4);
}

/**
 * Walks one page. Returns frame << 8 | level << 4 | rights, or 0 for a fault (a leaf always has rights).
 * Rights are ANDed over all levels.
 */
export function walkPage(m: usize, root: u32, levels: i32, page: f64): f64 {
  const tablePages = load<u32>(m, CTL_TABLE_PAGES);
  const iova = u64(page);
  if (iova >> (9 * levels) !== 0) return 0;
  let table = root;
  let rights = READ_WRITE;
  for (let level = levels - 1; level >= 0; level--) {
    const index = u32(iova >> (9 * level)) & 511;
    const entry = atomic.load<u64>(table + (index << 3));
    rights &= entry;
    if (!isPresent(entry) || rights === 0 || isReserved(entry, level)) return 0;
    if (isLeaf(entry, level)) return f64((leafFrame(entry, level, iova) << 8) | ((<u64>level) << 4) | rights);
    if (!isTablePointer(entry, tablePages)) return 0;
    table = childOffset(entry);
  }
  return 0;
}
