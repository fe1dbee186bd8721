import {
  DEV_ACKED,
  DEV_QUEUE,
  DEV_QUEUE_HEAD,
  DEV_QUEUE_TAIL,
  DEV_STATUS,
  DEVICE_BYTES,
  Q_CACHES,
  Q_END,
  Q_KIND,
  Q_START,
  Q_TAG,
  QUEUE_FLAG,
  QUEUE_INVALIDATE,
  QUEUE_RECORD,
  QUEUE_SLOTS,
  QUEUE_WAIT,
  STATUS_RUNNING,
} from "../device-layout";
import { CTL_DEVICES, CTL_WAIT_SEQUENCE, CTL_YIELD, MAX_DEVICES } from "../layout";
import { spin } from "./random";

/*
 * The executor's side of the invalidation queues: one ring per device, written by the executor only.
 *
 * A device that is not running holds nothing: it empties its caches before it reports itself running, and stores that
 * came before its report are visible to its first walk. So posts and waits pass over it.
 */
const SPINS_BEFORE_SLEEP: u32 = 2000;
const SLEEP_NANOSECONDS: i64 = 1_000_000;
/* A running device that answers nothing for 30 s is gone. */
const SLEEPS_BEFORE_GIVING_UP: u32 = 30_000;

function deviceBlock(m: usize, device: u32): usize {
  return load<u32>(m, CTL_DEVICES) + device * DEVICE_BYTES;
}
function isRunning(block: usize): bool {
  return atomic.load<u32>(block, DEV_STATUS) === STATUS_RUNNING;
}

/** Sleeps until the word differs from `seen` or the device stops; false = it does not answer. */
function awaitWord(block: usize, word: usize, seen: u32): bool {
  for (let i: u32 = 0; i < SPINS_BEFORE_SLEEP; i++) {
    if (atomic.load<u32>(word) !== seen || !isRunning(block)) return true;
    spin(word, 8);
  }
  for (let i: u32 = 0; i < SLEEPS_BEFORE_GIVING_UP; i++) {
    if (atomic.load<u32>(word) !== seen || !isRunning(block)) return true;
    atomic.wait<i32>(word, i32(seen), SLEEP_NANOSECONDS);
  }
  return false;
}

/** Appends a record to one device's queue, waiting for room if it must; false = it does not answer. */
function post(block: usize, kind: u32, tag: u32, caches: u32, start: u64, end: u64): bool {
  const tail = atomic.load<u32>(block, DEV_QUEUE_TAIL);
  let head = atomic.load<u32>(block, DEV_QUEUE_HEAD);
  while (tail - head >= <u32>QUEUE_SLOTS) {
    if (!awaitWord(block, block + DEV_QUEUE_HEAD, head)) return false;
    if (!isRunning(block)) return true;
    head = atomic.load<u32>(block, DEV_QUEUE_HEAD);
  }
  const at = block + DEV_QUEUE + (tail % QUEUE_SLOTS) * QUEUE_RECORD;
  store<u32>(at, kind, Q_KIND);
  store<u32>(at, tag, Q_TAG);
  store<u32>(at, caches, Q_CACHES);
  store<u64>(at, start, Q_START);
  store<u64>(at, end, Q_END);
  atomic.store<u32>(block, tail + 1, DEV_QUEUE_TAIL);
  return true;
}

/** Posts an invalidation of [start, end) to every running device. Returns the device that does not answer, or -1. */
export function postInvalidation(
  m: usize,
  nonLeaf: bool,
  domain: u32,
  caches: u32,
  start: u64,
  end: u64,
): i32 {
  const kind = QUEUE_INVALIDATE | (nonLeaf ? QUEUE_FLAG : 0);
  for (let d: u32 = 0; d < <u32>MAX_DEVICES; d++) {
    const block = deviceBlock(m, d);
    if (isRunning(block) && !post(block, kind, domain, caches, start, end)) return d;
  }
  return -1;
}

/** Waits until every running device has completed what was posted. Returns the device that does not answer, or -1. */
export function waitForDevices(m: usize, drain: bool): i32 {
  const sequence = atomic.add<u32>(m, 1, CTL_WAIT_SEQUENCE) + 1;
  let waiting: u64 = 0;
  for (let d: u32 = 0; d < <u32>MAX_DEVICES; d++) {
    const block = deviceBlock(m, d);
    if (!isRunning(block)) continue;
    if (!post(block, QUEUE_WAIT | (drain ? QUEUE_FLAG : 0), sequence, 0, 0, 0)) return d;
    waiting |= (<u64>1) << d;
  }
  if (waiting === 0) return -1;
  atomic.store<u32>(m, 1, CTL_YIELD);
  const silent = awaitAcknowledged(m, waiting, sequence);
  atomic.store<u32>(m, 0, CTL_YIELD);
  atomic.notify(m + CTL_YIELD, -1);
  return silent;
}

/** Sleeps until each device of the set has acknowledged the wait or stopped. Returns one that does not answer, or -1. */
function awaitAcknowledged(m: usize, devices: u64, sequence: u32): i32 {
  for (let d: u32 = 0; devices >> d !== 0; d++) {
    if (((devices >> d) & 1) === 0) continue;
    const block = deviceBlock(m, d);
    while (isRunning(block)) {
      const acked = atomic.load<u32>(block, DEV_ACKED);
      if (acked === sequence) break;
      if (!awaitWord(block, block + DEV_ACKED, acked)) return d;
    }
  }
  return -1;
}
