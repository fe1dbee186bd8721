import {
  ATC_SLOTS,
  CACHE_DOMAIN,
  CACHE_KEY,
  CACHE_LEVEL,
  CACHE_RECORD,
  CACHE_USED,
  DEV_ATC,
  DEV_IOTLB,
  DEV_WALK_CACHE,
  IOTLB_SLOTS,
  WALK_CACHE_SLOTS,
} from "../device-layout";

/*
 * A device's caches: the IOTLB and the ATC hold leaves of any size, the walk cache holds table pointers. All are
 * private to the device's thread, tagged by domain, and direct-mapped by (level, key); `key` is the page number without
 * the bits that the cached entry's span covers.
 */

function slotOf(key: u64, level: u32, slots: u32): u32 {
  return u32(((key + <u64>level) * (((<u64>0x9e37_79b9) << 32) | 0x7f4a_7c15)) >> 40) & (slots - 1);
}

/** Bits of page number that a cached leaf at `level` covers; a table pointer to `level` covers one level more. */
function spanShift(level: u32): u32 {
  return 9 * level;
}

/** Place of (key, level) in a cache. */
export function cachePlace(cache: usize, slots: u32, key: u64, level: u32): usize {
  return cache + slotOf(key, level, slots) * CACHE_RECORD;
}

/** The record at `at` if it holds (key, level) of the domain. */
export function holds(at: usize, key: u64, level: u32, domain: u32): bool {
  return (
    load<u32>(at, CACHE_USED) !== 0 &&
    load<u64>(at, CACHE_KEY) === key &&
    load<u32>(at, CACHE_LEVEL) === level &&
    load<u32>(at, CACHE_DOMAIN) === domain
  );
}

/** Drops the records of the domain whose whole span lies in [start, end); what sticks out stays. Returns how many. */
function dropCovered(cache: usize, slots: u32, above: u32, domain: u32, start: u64, end: u64): u32 {
  let dropped: u32 = 0;
  for (let i: u32 = 0; i < slots; i++) {
    const at = cache + i * CACHE_RECORD;
    if (load<u32>(at, CACHE_USED) === 0 || load<u32>(at, CACHE_DOMAIN) !== domain) continue;
    const shift = spanShift(load<u32>(at, CACHE_LEVEL) + above);
    const first = load<u64>(at, CACHE_KEY) << shift;
    if (first < start || first + ((<u64>1) << shift) > end) continue;
    store<u32>(at, 0, CACHE_USED);
    dropped++;
  }
  return dropped;
}

const CACHE_IOTLB: u32 = 1;
const CACHE_WALK: u32 = 2;
const CACHE_ATC: u32 = 4;

/** Honours one invalidation: leaves by range, table pointers only with non-leaf scope. Returns records dropped. */
export function invalidateCaches(
  block: usize,
  nonLeaf: bool,
  domain: u32,
  caches: u32,
  start: u64,
  end: u64,
): u32 {
  let dropped: u32 = 0;
  if ((caches & CACHE_IOTLB) !== 0)
    dropped += dropCovered(block + DEV_IOTLB, IOTLB_SLOTS, 0, domain, start, end);
  if ((caches & CACHE_ATC) !== 0) dropped += dropCovered(block + DEV_ATC, ATC_SLOTS, 0, domain, start, end);
  if (nonLeaf && (caches & CACHE_WALK) !== 0)
    dropped += dropCovered(block + DEV_WALK_CACHE, WALK_CACHE_SLOTS, 1, domain, start, end);
  return dropped;
}

/** Forgets everything. */
export function emptyCaches(block: usize): void {
  memory.fill(block + DEV_IOTLB, 0, IOTLB_SLOTS * CACHE_RECORD);
  memory.fill(block + DEV_ATC, 0, ATC_SLOTS * CACHE_RECORD);
  memory.fill(block + DEV_WALK_CACHE, 0, WALK_CACHE_SLOTS * CACHE_RECORD);
}
