import {
  ACC_BYTES,
  ACC_EPOCH,
  ACC_HINT,
  ACC_NUMBER,
  ACC_PAGE,
  ACC_TAINT,
  ACC_USED,
  ACC_WRITE,
  CFG_HOLD,
  CFG_SEED,
  CFG_WRITES,
  CONTROL_RUN,
  DEV_ACCESS,
  DEV_ACCESSES,
  DEV_ACKED,
  DEV_CONTROL,
  DEV_EPOCH,
  DEV_HELD,
  DEV_HINTS,
  DEV_HOLDS,
  DEV_IN_EPOCH,
  DEV_NUMBER,
  DEV_OUTCOMES,
  DEV_QUEUE,
  DEV_QUEUE_HEAD,
  DEV_QUEUE_TAIL,
  DEV_RANDOM,
  DEV_SAMPLES,
  DEV_SEEN,
  DEV_STATS,
  DEV_STATUS,
  DEV_SWITCHED_IN,
  DEV_TARGET,
  DEVICE_BYTES,
  FIRST_VIOLATION,
  HOLD_SLOTS,
  OUTCOME_COUNT,
  Q_CACHES,
  Q_END,
  Q_KIND,
  Q_START,
  Q_TAG,
  QUEUE_FLAG,
  QUEUE_INVALIDATE,
  QUEUE_RECORD,
  QUEUE_SLOTS,
  SAMPLE_BYTES,
  SAMPLES_PER_CLASS,
  SEEN_BYTES,
  SEEN_SLOTS,
  STAT_COUNT,
  STAT_DROPPED,
  STAT_HELD,
  STAT_INVALIDATIONS,
  STAT_WAITS,
  STAT_WRITES,
  STATUS_IDLE,
  STATUS_RUNNING,
} from "../device-layout";
import {
  CTL_DEVICES,
  CTL_EPOCH,
  CTL_PATTERN,
  CTL_PATTERNS,
  CTL_YIELD,
  MAP_VERSIONS,
  PATTERN_BYTES,
  PATTERN_SLOTS,
} from "../layout";
import { emptyCaches, invalidateCaches } from "./caches";
import { performAndJudge } from "./judge";
import { nextRandom } from "./random";
import { countStat, isTainted, pause, translate } from "./translate";

/* The DMA loop of one device. Everything here runs on the device's own thread. */

function blockOf(m: usize, device: u32): usize {
  return load<u32>(m, CTL_DEVICES) + device * DEVICE_BYTES;
}

/** Performs what was held back: the accesses that a drain waits for. */
function performHeld(m: usize, block: usize): void {
  for (let i: usize = 0; i < <usize>HOLD_SLOTS; i++) {
    const acc = block + DEV_HOLDS + i * ACC_BYTES;
    if (load<u32>(acc, ACC_USED) === 0) continue;
    store<u32>(acc, 0, ACC_USED);
    performAndJudge(m, block, acc);
  }
  store<u32>(block, 0, DEV_HELD);
}

/** Puts the translated access aside; an older one in the same place is performed first. */
function hold(m: usize, block: usize, acc: usize, random: u32): void {
  const slot = block + DEV_HOLDS + (random % HOLD_SLOTS) * ACC_BYTES;
  if (load<u32>(slot, ACC_USED) !== 0) performAndJudge(m, block, slot);
  store<u32>(acc, isTainted(m, acc) ? 1 : 0, ACC_TAINT);
  store<u32>(acc, u32(load<u64>(block, DEV_ACCESSES)), ACC_NUMBER);
  memory.copy(slot, acc, ACC_BYTES);
  store<u32>(slot, 1, ACC_USED);
  store<u32>(block, 1, DEV_HELD);
  countStat(block, STAT_HELD);
}

/**
 * Works off the invalidation queue, between accesses, so that no walk is under way. A wait with drain is acknowledged
 * after the held accesses are performed; one without may leave them pending, as hardware may.
 */
function workQueue(m: usize, block: usize): void {
  const tail = atomic.load<u32>(block, DEV_QUEUE_TAIL);
  let head = load<u32>(block, DEV_QUEUE_HEAD);
  while (head !== tail) {
    const at = block + DEV_QUEUE + (head % QUEUE_SLOTS) * QUEUE_RECORD;
    const kind = load<u32>(at, Q_KIND);
    const flag = (kind & QUEUE_FLAG) !== 0;
    const tag = load<u32>(at, Q_TAG);
    if ((kind & 0xff) === QUEUE_INVALIDATE) {
      const dropped = invalidateCaches(
        block,
        flag,
        tag,
        load<u32>(at, Q_CACHES),
        load<u64>(at, Q_START),
        load<u64>(at, Q_END),
      );
      const stat = block + DEV_STATS + (STAT_DROPPED << 3);
      store<u64>(stat, load<u64>(stat) + dropped);
      countStat(block, STAT_INVALIDATIONS);
    } else {
      if (flag && load<u32>(block, DEV_HELD) !== 0) performHeld(m, block);
      countStat(block, STAT_WAITS);
      atomic.store<u32>(block, tag, DEV_ACKED);
      atomic.notify(block + DEV_ACKED, -1);
    }
    head++;
    atomic.store<u32>(block, head, DEV_QUEUE_HEAD);
  }
  atomic.notify(block + DEV_QUEUE_HEAD, -1);
}

/** Picks page and direction of the next access from the pattern in force. */
function chooseAccess(m: usize, block: usize, acc: usize): void {
  const r = nextRandom(block + DEV_RANDOM);
  const number = atomic.load<u32>(m, CTL_PATTERN);
  const pattern: usize = load<u32>(m, CTL_PATTERNS) + (number % MAP_VERSIONS) * PATTERN_BYTES;
  const choice: usize = load<u8>(pattern + (u32(r >> 54) & (PATTERN_SLOTS - 1)));
  const range = pattern + PATTERN_SLOTS + (choice << 4);
  const pages = load<u64>(range, 8);
  const low: u64 = r & 0xffff_ffff;
  const offset = pages >> 32 === 0 ? (low * pages) >> 32 : nextRandom(block + DEV_RANDOM) % pages;
  store<u64>(acc, load<u64>(range) + offset, ACC_PAGE);
  const writes = (u32(r >> 38) & 0xffff) < load<u32>(block, CFG_WRITES);
  store<u32>(acc, writes ? 1 : 0, ACC_WRITE);
  store<u32>(acc, u32(block + DEV_HINTS + (choice << 2)), ACC_HINT);
  if (writes) countStat(block, STAT_WRITES);
}

/** Counts the access for its epoch and tells the harness when as many as it wants have been made. */
function countAccess(block: usize, epoch: u32): void {
  let inEpoch: u32 = 1;
  if (load<u32>(block, DEV_EPOCH) === epoch) inEpoch = load<u32>(block, DEV_IN_EPOCH) + 1;
  else store<u32>(block, epoch, DEV_EPOCH);
  store<u32>(block, inEpoch, DEV_IN_EPOCH);
  store<u64>(block, load<u64>(block, DEV_ACCESSES) + 1, DEV_ACCESSES);
  const target = atomic.load<u32>(block, DEV_TARGET);
  if (target !== 0 && inEpoch >= target) {
    atomic.store<u32>(block, 0, DEV_TARGET);
    atomic.notify(block + DEV_TARGET, -1);
  }
}

function access(m: usize, block: usize, device: u32): void {
  const acc = block + DEV_ACCESS;
  chooseAccess(m, block, acc);
  const epoch = atomic.load<u32>(m, CTL_EPOCH);
  store<u32>(acc, epoch, ACC_EPOCH);
  translate(m, block, device, acc);
  pause(block);
  const holdOdds = load<u32>(block, CFG_HOLD);
  if (holdOdds !== 0) {
    const r = nextRandom(block + DEV_RANDOM);
    if ((u32(r >> 40) & 0xffff) < holdOdds) {
      hold(m, block, acc, u32(r >> 32) & 0xff);
      countAccess(block, epoch);
      return;
    }
    /* What is held comes due some time even if nothing drains it. */
    if (u32(r >> 56) === 0 && load<u32>(block, DEV_HELD) !== 0) performHeld(m, block);
  }
  performAndJudge(m, block, acc);
  countAccess(block, epoch);
}

/** Empties what a former run left behind and reports the device running. */
export function enterDevice(m: usize, device: u32): void {
  const block = blockOf(m, device);
  store<u32>(block, device, DEV_NUMBER);
  store<u64>(block, load<u64>(block, CFG_SEED) | 1, DEV_RANDOM);
  store<u32>(block, 0xffff_ffff, DEV_EPOCH);
  store<u32>(block, 0, DEV_HELD);
  store<u64>(block, 0, DEV_ACCESSES);
  store<u32>(block, 0, DEV_SWITCHED_IN);
  memory.fill(block + DEV_OUTCOMES, 0, OUTCOME_COUNT << 3);
  memory.fill(block + DEV_STATS, 0, STAT_COUNT << 3);
  memory.fill(block + DEV_SAMPLES, 0, (OUTCOME_COUNT - FIRST_VIOLATION) * SAMPLES_PER_CLASS * SAMPLE_BYTES);
  memory.fill(block + DEV_HOLDS, 0, HOLD_SLOTS * ACC_BYTES);
  memory.fill(block + DEV_SEEN, 0, SEEN_SLOTS * SEEN_BYTES);
  emptyCaches(block);
  atomic.store<u32>(block, atomic.load<u32>(block, DEV_QUEUE_TAIL), DEV_QUEUE_HEAD);
  atomic.store<u32>(block, STATUS_RUNNING, DEV_STATUS);
  atomic.notify(block + DEV_STATUS, -1);
}

/* Accesses that a device which owes nothing still makes while others are waited for, and how long it then sleeps. */
const PATIENCE: u32 = 256;
const YIELD_NANOSECONDS: i64 = 1_000_000;

/** Performs `accesses` accesses; false = the harness wants the device to stop. */
export function runDevice(m: usize, device: u32, accesses: u32): bool {
  const block = blockOf(m, device);
  let patience = PATIENCE;
  for (let i: u32 = 0; i < accesses; i++) {
    if (atomic.load<u32>(block, DEV_QUEUE_TAIL) !== load<u32>(block, DEV_QUEUE_HEAD)) workQueue(m, block);
    access(m, block, device);
    if (atomic.load<u32>(m, CTL_YIELD) === 0 || atomic.load<u32>(block, DEV_TARGET) !== 0) {
      patience = PATIENCE;
    } else if (--patience === 0) {
      if (atomic.load<u32>(block, DEV_QUEUE_TAIL) === load<u32>(block, DEV_QUEUE_HEAD))
        atomic.wait<i32>(m + CTL_YIELD, 1, YIELD_NANOSECONDS);
      patience = PATIENCE;
    }
  }
  return atomic.load<u32>(block, DEV_CONTROL) === CONTROL_RUN;
}

/** Performs what is held, answers what is asked, and reports the device idle, so that nobody waits for it. */
export function leaveDevice(m: usize, device: u32): void {
  const block = blockOf(m, device);
  performHeld(m, block);
  atomic.store<u32>(block, STATUS_IDLE, DEV_STATUS);
  emptyCaches(block);
  atomic.store<u32>(block, atomic.load<u32>(block, DEV_QUEUE_TAIL), DEV_QUEUE_HEAD);
  atomic.notify(block + DEV_ACKED, -1);
  atomic.notify(block + DEV_QUEUE_HEAD, -1);
  atomic.notify(block + DEV_TARGET, -1);
  atomic.notify(block + DEV_STATUS, -1);
}
