import {
  ACC_CLOCK,
  ACC_CLOCKS,
  ACC_DOMAIN,
  ACC_ENTRY,
  ACC_FRAME,
  ACC_LEVEL,
  ACC_PAGE,
  ACC_RIGHTS,
  ACC_SOURCE,
  ACC_STATE,
  ACC_TABLES,
  ACC_TAINT,
  ACC_TOP,
  ACC_WRITE,
  ATC_SLOTS,
  CACHE_CLOCK,
  CACHE_DOMAIN,
  CACHE_ENTRY,
  CACHE_KEY,
  CACHE_LEVEL,
  CACHE_RIGHTS,
  CACHE_STATE,
  CACHE_TAINT,
  CACHE_USED,
  CFG_EVICT,
  CFG_FLAGS,
  CFG_KEEP,
  CFG_PAUSE_ONE_IN,
  CFG_PAUSE_SPINS,
  DEV_ATC,
  DEV_IOTLB,
  DEV_RANDOM,
  DEV_STATS,
  DEV_WALK_CACHE,
  FLAG_ATC,
  FLAG_DIRTY,
  FLAG_IOTLB,
  FLAG_NOT_PRESENT,
  FLAG_WALK_CACHE,
  FLAGS_CACHES,
  IOTLB_SLOTS,
  SOURCE_ATC,
  SOURCE_IOTLB,
  SOURCE_WALK,
  SOURCE_WALK_CACHE,
  STAT_ATC_HITS,
  STAT_IOTLB_HITS,
  STAT_WALK_CACHE_HITS,
  STATE_BAD_POINTER,
  STATE_BEYOND,
  STATE_BLOCKED,
  STATE_HIT,
  STATE_NOT_PRESENT,
  STATE_RESERVED,
  WALK_CACHE_SLOTS,
} from "../device-layout";
import { CTL_CLOCK, CTL_CONTEXTS, CTL_TABLE_PAGES, LIFE_LIVE } from "../layout";
import { cachePlace, holds } from "./caches";
import {
  ACCESSED,
  childOffset,
  DIRTY,
  isLeaf,
  isPresent,
  isReserved,
  isTablePointer,
  leafFrame,
  READ_WRITE,
} from "./entry";
import { nextRandom, spin } from "./random";
import { lifeWord } from "./tables";
import { contextDomain, contextLevels, contextRoot } from "./words";

/** A seeded pause that widens races. */
export function pause(block: usize): void {
  const oneIn = load<u32>(block, CFG_PAUSE_ONE_IN);
  if (oneIn === 0) return;
  const r = nextRandom(block + DEV_RANDOM);
  if (u32(r >> 32) % oneIn === 0) spin(block, u32(r) % (load<u32>(block, CFG_PAUSE_SPINS) + 1));
}

/** Counts one event of the device's statistics. */
export function countStat(block: usize, stat: u32): void {
  const at = block + DEV_STATS + (stat << 3);
  store<u64>(at, load<u64>(at) + 1);
}

/** Does the device, at its whim, keep a fact it has just loaded? */
function keeps(block: usize): bool {
  return (u32(nextRandom(block + DEV_RANDOM) >> 40) & 0xffff) < load<u32>(block, CFG_KEEP);
}

/** Does it, at its whim, forget what it has just found in a cache? */
function forgets(block: usize, at: usize): bool {
  const odds = load<u32>(block, CFG_EVICT);
  if (odds === 0 || (u32(nextRandom(block + DEV_RANDOM) >> 40) & 0xffff) >= odds) return false;
  store<u32>(at, 0, CACHE_USED);
  return true;
}

/** Did the walk go through a table that was dead, or freed after the pointer to it was loaded? */
export function isTainted(m: usize, acc: usize): bool {
  if (load<u32>(acc, ACC_TAINT) !== 0) return true;
  const source = load<u32>(acc, ACC_SOURCE);
  const state = load<u32>(acc, ACC_STATE);
  if (source >= <u32>SOURCE_IOTLB || state === STATE_BLOCKED || state === STATE_BEYOND) return false;
  const top = load<i32>(acc, ACC_TOP);
  for (let level = load<i32>(acc, ACC_LEVEL); level <= top; level++) {
    const life = atomic.load<u32>(lifeWord(m, load<u32>(acc + (level << 2), ACC_TABLES)));
    const since = load<u32>(acc + (level << 2), ACC_CLOCKS);
    if ((life & LIFE_LIVE) === 0 || i32(((life >> 1) - since) << 1) > 0) return true;
  }
  return false;
}

function keepPointer(block: usize, acc: usize, level: u32, table: u32, rights: u64): void {
  if ((load<u32>(block, CFG_FLAGS) & FLAG_WALK_CACHE) === 0 || !keeps(block)) return;
  const key = load<u64>(acc, ACC_PAGE) >> (9 * (level + 1));
  const at = cachePlace(block + DEV_WALK_CACHE, WALK_CACHE_SLOTS, key, level);
  store<u64>(at, key, CACHE_KEY);
  store<u64>(at, table, CACHE_ENTRY);
  store<u32>(at, 1, CACHE_USED);
  store<u32>(at, level, CACHE_LEVEL);
  store<u32>(at, load<u32>(acc, ACC_DOMAIN), CACHE_DOMAIN);
  store<u32>(at, u32(rights), CACHE_RIGHTS);
  store<u32>(at, load<u32>(acc + (level << 2), ACC_CLOCKS), CACHE_CLOCK);
}

/** Puts the translation in hand into a leaf cache; one that faulted is kept as one page that faults. */
function keepLeaf(m: usize, cache: usize, slots: u32, acc: usize): void {
  const faulted = load<u32>(acc, ACC_STATE) !== STATE_HIT;
  const level: u32 = faulted ? 0 : load<u32>(acc, ACC_LEVEL);
  const key = load<u64>(acc, ACC_PAGE) >> (9 * level);
  const at = cachePlace(cache, slots, key, level);
  store<u64>(at, key, CACHE_KEY);
  store<u64>(at, load<u64>(acc, ACC_ENTRY), CACHE_ENTRY);
  store<u32>(at, 1, CACHE_USED);
  store<u32>(at, level, CACHE_LEVEL);
  store<u32>(at, load<u32>(acc, ACC_DOMAIN), CACHE_DOMAIN);
  store<u32>(at, load<u32>(acc, ACC_RIGHTS), CACHE_RIGHTS);
  store<u32>(at, isTainted(m, acc) ? 1 : 0, CACHE_TAINT);
  store<u32>(at, load<u32>(acc, ACC_STATE), CACHE_STATE);
}

/** Looks a page up in a leaf cache, at all sizes, beginning with a random one. */
function findLeaf(block: usize, cache: usize, slots: u32, acc: usize, source: u32): bool {
  const page = load<u64>(acc, ACC_PAGE);
  const domain = load<u32>(acc, ACC_DOMAIN);
  let level = u32(page) % 3;
  for (let i = 0; i < 3; i++) {
    const key = page >> (9 * level);
    const at = cachePlace(cache, slots, key, level);
    if (holds(at, key, level, domain) && !forgets(block, at)) {
      const entry = load<u64>(at, CACHE_ENTRY);
      /* A cached leaf whose D is clear has to be walked again for a write. */
      if (
        load<u32>(acc, ACC_WRITE) !== 0 &&
        (load<u32>(block, CFG_FLAGS) & FLAG_DIRTY) !== 0 &&
        (entry & DIRTY) === 0
      )
        return false;
      store<u64>(acc, entry, ACC_ENTRY);
      store<u64>(acc, leafFrame(entry, level, page), ACC_FRAME);
      store<u32>(acc, load<u32>(at, CACHE_RIGHTS), ACC_RIGHTS);
      store<u32>(acc, level, ACC_LEVEL);
      store<u32>(acc, load<u32>(at, CACHE_STATE), ACC_STATE);
      store<u32>(acc, load<u32>(at, CACHE_TAINT), ACC_TAINT);
      store<u32>(acc, source, ACC_SOURCE);
      return true;
    }
    level = level === 2 ? 0 : level + 1;
  }
  return false;
}

/** Sets A, and D for a write, in a leaf the walk has loaded; false: the entry changed, walk again. */
function markLeaf(slot: usize, acc: usize, entry: u64, rights: u64): bool {
  const writes = load<u32>(acc, ACC_WRITE) !== 0 && (rights & 2) !== 0;
  const bits = writes ? ACCESSED | DIRTY : ACCESSED;
  if ((entry & bits) === bits) return true;
  if (atomic.cmpxchg<u64>(slot, entry, entry | bits) !== entry) return false;
  store<u64>(acc, entry | bits, ACC_ENTRY);
  return true;
}

/** Walks from `table` at `level`; leaves the result in the access. False: an entry changed under an A/D update. */
function walkFrom(m: usize, block: usize, acc: usize, table: u32, level: i32, rights: u64): bool {
  const page = load<u64>(acc, ACC_PAGE);
  const flags = load<u32>(block, CFG_FLAGS);
  const paused = load<u32>(block, CFG_PAUSE_ONE_IN) !== 0;
  const tablePages = load<u32>(m, CTL_TABLE_PAGES);
  let state: u32 = STATE_NOT_PRESENT;
  let entry: u64 = 0;
  store<i32>(acc, level, ACC_TOP);
  while (true) {
    store<u32>(acc + (level << 2), table, ACC_TABLES);
    const slot: usize = table + ((u32(page >> (9 * level)) & 511) << 3);
    entry = atomic.load<u64>(slot);
    rights &= entry;
    if (!isPresent(entry) || rights === 0) break;
    if (isLeaf(entry, level)) {
      store<u64>(acc, entry, ACC_ENTRY);
      if ((flags & FLAG_DIRTY) !== 0 && !markLeaf(slot, acc, entry, rights)) return false;
      state = STATE_HIT;
      store<u64>(acc, leafFrame(entry, level, page), ACC_FRAME);
      break;
    }
    if (isReserved(entry, level)) {
      state = STATE_RESERVED;
      break;
    }
    if (!isTablePointer(entry, tablePages)) {
      state = STATE_BAD_POINTER;
      break;
    }
    table = childOffset(entry);
    level--;
    /* Read after the pointer: a table freed and used anew before that is the table the pointer means. */
    store<u32>(acc + (level << 2), atomic.load<u32>(m, CTL_CLOCK), ACC_CLOCKS);
    if ((flags & FLAG_WALK_CACHE) !== 0) keepPointer(block, acc, level, table, rights);
    if (paused) pause(block);
  }
  if (state !== STATE_HIT) {
    store<u64>(acc, entry, ACC_ENTRY);
    rights = 0;
  }
  store<u32>(acc, u32(rights), ACC_RIGHTS);
  store<i32>(acc, level, ACC_LEVEL);
  store<u32>(acc, state, ACC_STATE);
  return true;
}

/** Starts the walk from a cached table pointer if there is one, else from the root. */
function walk(m: usize, block: usize, acc: usize, root: u32, levels: i32, rootClock: u32): void {
  const page = load<u64>(acc, ACC_PAGE);
  const useCache = (load<u32>(block, CFG_FLAGS) & FLAG_WALK_CACHE) !== 0;
  while (true) {
    let table = root;
    let level = levels - 1;
    let rights = READ_WRITE;
    store<u32>(acc, SOURCE_WALK, ACC_SOURCE);
    let since = rootClock;
    for (let l = 0; useCache && l < levels - 1; l++) {
      const key = page >> (9 * (l + 1));
      const at = cachePlace(block + DEV_WALK_CACHE, WALK_CACHE_SLOTS, key, l);
      if (!holds(at, key, l, load<u32>(acc, ACC_DOMAIN)) || forgets(block, at)) continue;
      /* Hardware may use any cached pointer; now and then one nearer to the root. */
      if (nextRandom(block + DEV_RANDOM) >> 61 === 0) continue;
      table = u32(load<u64>(at, CACHE_ENTRY));
      level = l;
      rights = load<u32>(at, CACHE_RIGHTS);
      store<u32>(acc, SOURCE_WALK_CACHE, ACC_SOURCE);
      since = load<u32>(at, CACHE_CLOCK);
      countStat(block, STAT_WALK_CACHE_HITS);
      break;
    }
    store<u32>(acc + (level << 2), since, ACC_CLOCKS);
    if (walkFrom(m, block, acc, table, level, rights)) return;
  }
}

/** Translates the access in hand: context, then caches, then the tables. Pre: page, write and epoch are set. */
export function translate(m: usize, block: usize, device: u32, acc: usize): void {
  store<u32>(acc, atomic.load<u32>(m, CTL_CLOCK), ACC_CLOCK);
  store<u32>(acc, 0, ACC_TAINT);
  store<u32>(acc, 0, ACC_RIGHTS);
  const context = atomic.load<u64>(m + (device << 3), CTL_CONTEXTS);
  /* Read after the context, as after any pointer: a root freed and used anew before that is the one it means. */
  const rootClock = atomic.load<u32>(m, CTL_CLOCK);
  const levels = contextLevels(context);
  store<u32>(acc, contextDomain(context), ACC_DOMAIN);
  if (levels === 0) {
    store<u32>(acc, STATE_BLOCKED, ACC_STATE);
    return;
  }
  if (load<u64>(acc, ACC_PAGE) >> (9 * levels) !== 0) {
    store<u32>(acc, STATE_BEYOND, ACC_STATE);
    return;
  }
  const flags = load<u32>(block, CFG_FLAGS);
  if ((flags & FLAGS_CACHES) === 0) {
    walk(m, block, acc, contextRoot(context), levels, rootClock);
    return;
  }
  if ((flags & FLAG_ATC) !== 0 && findLeaf(block, block + DEV_ATC, ATC_SLOTS, acc, SOURCE_ATC)) {
    countStat(block, STAT_ATC_HITS);
    return;
  }
  if ((flags & FLAG_IOTLB) !== 0 && findLeaf(block, block + DEV_IOTLB, IOTLB_SLOTS, acc, SOURCE_IOTLB)) {
    countStat(block, STAT_IOTLB_HITS);
  } else {
    walk(m, block, acc, contextRoot(context), levels, rootClock);
    const cacheable = load<u32>(acc, ACC_STATE) === STATE_HIT || (flags & FLAG_NOT_PRESENT) !== 0;
    if (cacheable && (flags & FLAG_IOTLB) !== 0 && keeps(block))
      keepLeaf(m, block + DEV_IOTLB, IOTLB_SLOTS, acc);
  }
  if ((flags & FLAG_ATC) !== 0 && load<u32>(acc, ACC_STATE) === STATE_HIT && keeps(block))
    keepLeaf(m, block + DEV_ATC, ATC_SLOTS, acc);
}
