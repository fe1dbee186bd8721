import { CTL_FOUND, CTL_READ, CTL_TABLE_PAGES, CTL_TEAR_STORES, ERR_EXCHANGE, FOUND_BYTES } from "../layout";
import { ACCESSED, childOffset, DIRTY, isPresent, isTablePointer } from "./entry";
import { perturb, storeTorn } from "./live";

/*
 * Steps that lose no A or D bit which walkers set meanwhile. The level of an entry is not known here: a present entry that
 * names a page of the table window is a table pointer, since no leaf does.
 */
const HARDWARE_BITS: u64 = ACCESSED | DIRTY;

function foundWords(m: usize, table: u32): usize {
  return load<u32>(m, CTL_FOUND) + (table >> 12) * FOUND_BYTES;
}

/** Sets bits in every leaf below a table, each by one atomic operation; walkers may set the same ones meanwhile. */
function carryInto(table: u32, bits: u64, tablePages: u32): void {
  for (let slot: usize = table, end: usize = table + 4096; slot < end; slot += 8) {
    const entry = atomic.load<u64>(slot);
    if (!isPresent(entry)) continue;
    if (isTablePointer(entry, tablePages)) carryInto(childOffset(entry), bits, tablePages);
    else if ((entry & bits) !== bits) atomic.or<u64>(slot, bits);
  }
}

/**
 * Replaces `expected` by `entry`. A and D of the old leaf, those that a walker has set meanwhile included, are carried: into
 * the new leaf, or, when a table takes its place, into all leaves below that. Any other difference is ERR_EXCHANGE.
 */
export function exchangeEntry(m: usize, slot: usize, expected: u64, entry: u64): i32 {
  if (load<u32>(m, CTL_TEAR_STORES) !== 0) {
    storeTorn(m, slot, entry);
    return 0;
  }
  const tablePages = load<u32>(m, CTL_TABLE_PAGES);
  const wasLeaf = isPresent(expected) && !isTablePointer(expected, tablePages);
  const becomesTable = isPresent(entry) && isTablePointer(entry, tablePages);
  const becomesLeaf = isPresent(entry) && !becomesTable;
  let current = expected;
  while (true) {
    const carried = wasLeaf && becomesLeaf ? current & HARDWARE_BITS : 0;
    const seen = atomic.cmpxchg<u64>(slot, current, entry | carried);
    if (seen === current) break;
    if (((seen ^ expected) & ~HARDWARE_BITS) !== 0) return ERR_EXCHANGE;
    current = seen;
  }
  const left = current & HARDWARE_BITS;
  if (wasLeaf && becomesTable && left !== 0) carryInto(childOffset(entry), left, tablePages);
  return 0;
}

/**
 * Reads and clears A and D of the leaves among `entries` entries, each by one atomic operation, and notes which were dirty.
 * Returns how many were accessed or dirty.
 */
export function collectRun(m: usize, table: u32, index: u32, entries: u32): u32 {
  const tablePages = load<u32>(m, CTL_TABLE_PAGES);
  const found = foundWords(m, table);
  let collected: u32 = 0;
  for (let i: u32 = index; i < index + entries; i++) {
    const slot: usize = table + (i << 3);
    const seen = atomic.load<u64>(slot);
    if (!isPresent(seen) || isTablePointer(seen, tablePages)) continue;
    /* Nobody but this thread changes anything else of the entry, so what it was loaded as it still is. */
    const old = atomic.and<u64>(slot, ~HARDWARE_BITS);
    if ((old & HARDWARE_BITS) !== 0) collected++;
    if ((old & DIRTY) !== 0) {
      const word = found + ((i >> 5) << 2);
      store<u32>(word, load<u32>(word) | ((<u32>1) << (i & 31)));
    }
    perturb(m);
  }
  return collected;
}

/** Moves what was found in a table into the read buffer and returns its offset. */
export function takeFound(m: usize, table: u32): u32 {
  const buffer = load<u32>(m, CTL_READ);
  const found = foundWords(m, table);
  memory.copy(buffer, found, FOUND_BYTES);
  memory.fill(found, 0, FOUND_BYTES);
  return buffer;
}

/** A table page that is handed out anew has found nothing. Reads before it writes: an untouched page stays uncommitted. */
export function forgetFound(m: usize, table: u32): void {
  const found = foundWords(m, table);
  for (let i: usize = 0; i < <usize>FOUND_BYTES; i += 8)
    if (load<u64>(found + i) !== 0) store<u64>(found + i, 0);
}
