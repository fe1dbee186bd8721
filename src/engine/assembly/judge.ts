import {
  ACC_EPOCH,
  ACC_FRAME,
  ACC_HINT,
  ACC_LEVEL,
  ACC_NUMBER,
  ACC_PAGE,
  ACC_RIGHTS,
  ACC_STATE,
  ACC_WRITE,
  DEV_ACCESS,
  DEV_ACCESSES,
  DEV_BACK_PAGE,
  DEV_NUMBER,
  DEV_OUTCOMES,
  DEV_SEEN,
  DEV_STATS,
  DEV_SWITCHED_AT,
  DEV_SWITCHED_IN,
  FIRST_VIOLATION,
  OUT_BOTH_SIZES,
  OUT_KEPT_REFUSED,
  OUT_KEPT_SERVED,
  OUT_NEW,
  OUT_OLD,
  OUT_OLD_AFTER_NEW,
  OUT_REFUSED,
  OUT_SERVED,
  OUT_UNJUDGED,
  SEEN_BYTES,
  SEEN_SLOTS,
  STAT_BACK_TO_OLD,
  STAT_DURING_CHANGE,
  STAT_FAULTS,
  STATE_HIT,
} from "../device-layout";
import { CTL_CELLS, CTL_EPOCH } from "../layout";
import { classify } from "./classify";
import { mapAnswer, UNKNOWN } from "./oracle";
import { isRam, pinsOf, ramIndex } from "./pins";
import { recordSample } from "./samples";
import { countStat } from "./translate";

/** Right that an access needs: READ 1, WRITE 2. */
function neededRight(acc: usize): u64 {
  return load<u32>(acc, ACC_WRITE) !== 0 ? 2 : 1;
}

/** What a device saw, spelled as the oracle spells answers. */
function observation(acc: usize): u64 {
  if (load<u32>(acc, ACC_STATE) !== STATE_HIT) return 0;
  return (load<u64>(acc, ACC_FRAME) << 2) | load<u32>(acc, ACC_RIGHTS);
}

/**
 * Performs the DMA on the frame's cell and judges the access against the maps in force between its two readings of
 * the epoch. Pins are read before the cell is touched: none then means the frame was free when the DMA happened.
 */
export function performAndJudge(m: usize, block: usize, acc: usize): void {
  const seen = observation(acc);
  const served = (seen & neededRight(acc)) !== 0;
  const frame = seen >> 2;
  let pinned = true;
  if (!served) countStat(block, STAT_FAULTS);
  else if (isRam(m, frame)) {
    const index = ramIndex(frame);
    pinned = pinsOf(m, index) !== 0;
    const cell: usize = load<u32>(m, CTL_CELLS) + (index << 2);
    if (load<u32>(acc, ACC_WRITE) !== 0)
      store<u32>(
        cell,
        ((load<u32>(block, DEV_NUMBER) + 1) << 25) | (load<u32>(block, DEV_ACCESSES) & 0x1ff_ffff),
      );
    else load<u32>(cell);
  }
  const before = load<u32>(acc, ACC_EPOCH);
  const after = atomic.load<u32>(m, CTL_EPOCH);
  const outcome = judge(m, block, acc, seen, served, pinned, before, after);
  const counter = block + DEV_OUTCOMES + (outcome << 3);
  const total = load<u64>(counter) + 1;
  store<u64>(counter, total);
  if (outcome >= <u32>FIRST_VIOLATION) recordSample(m, block, acc, outcome, total, after, pinned);
}

function judge(
  m: usize,
  block: usize,
  acc: usize,
  seen: u64,
  served: bool,
  pinned: bool,
  before: u32,
  after: u32,
): u32 {
  const first = before >> 1;
  const last = (after + 1) >> 1;
  const page = load<u64>(acc, ACC_PAGE);
  const hint: usize = load<u32>(acc, ACC_HINT);
  const old = mapAnswer(m, first, page, hint);
  if (old === UNKNOWN) return OUT_UNJUDGED;
  if (first === last) {
    if (seen === old && pinned) return served ? OUT_SERVED : OUT_REFUSED;
    return classify(m, acc, seen, served, pinned, first, last);
  }
  countStat(block, STAT_DURING_CHANGE);
  let agree = true;
  let match = seen === old ? first : last + 1;
  for (let version = first + 1; version <= last; version++) {
    const answer = mapAnswer(m, version, page, hint);
    if (answer === UNKNOWN) return OUT_UNJUDGED;
    if (answer !== old) agree = false;
    if (answer === seen && match > last) match = version;
  }
  if (match > last || !pinned) return classify(m, acc, seen, served, pinned, first, last);
  const isNew = match !== first;
  if (!agree && last === first + 1) orderAnswers(block, acc, last, isNew);
  return duringChange(block, acc, page, before, agree, served, isNew);
}

/**
 * Counts answers of the old map to accesses that began after one of the new map had been given, on whatever page: a
 * whole-map switch has none. An access held back began when it was translated.
 */
function orderAnswers(block: usize, acc: usize, change: u32, isNew: bool): void {
  const made = u32(load<u64>(block, DEV_ACCESSES));
  if (isNew) {
    if (load<u32>(block, DEV_SWITCHED_IN) === change) return;
    store<u32>(block, change, DEV_SWITCHED_IN);
    /* The access in hand has begun already. */
    store<u32>(block, made + 1, DEV_SWITCHED_AT);
    return;
  }
  if (load<u32>(block, DEV_SWITCHED_IN) !== change) return;
  const number = acc === block + DEV_ACCESS ? made : load<u32>(acc, ACC_NUMBER);
  if (i32(number - load<u32>(block, DEV_SWITCHED_AT)) < 0) return;
  if (load<u64>(block + DEV_STATS + (STAT_BACK_TO_OLD << 3)) === 0)
    store<u64>(block, load<u64>(acc, ACC_PAGE), DEV_BACK_PAGE);
  countStat(block, STAT_BACK_TO_OLD);
}

/** Outcome of a legal access during a change; remembers the page so that flip-flops and both sizes are noticed. */
function duringChange(
  block: usize,
  acc: usize,
  page: u64,
  epoch: u32,
  agree: bool,
  served: bool,
  isNew: bool,
): u32 {
  if (agree && !served) return OUT_KEPT_REFUSED;
  const slot = u32((page * 0x9e37_79b1) >> 20) & (SEEN_SLOTS - 1);
  const at = block + DEV_SEEN + slot * SEEN_BYTES;
  let memory: u32 = 0;
  if (load<u64>(at) === page && load<u32>(at, 8) === epoch) memory = load<u32>(at, 12);
  const size: u32 = load<u32>(acc, ACC_LEVEL) + 1;
  const sizeSeen = memory >> 8;
  store<u64>(at, page);
  store<u32>(at, epoch, 8);
  if (agree) {
    store<u32>(at, size << 8, 12);
    return sizeSeen !== 0 && sizeSeen !== size ? OUT_BOTH_SIZES : OUT_KEPT_SERVED;
  }
  store<u32>(at, (memory & 1) | (isNew ? 1 : 0), 12);
  if (isNew) return OUT_NEW;
  /* An access held back began before now: which came first is not known. */
  return (memory & 1) !== 0 && acc === block + DEV_ACCESS ? OUT_OLD_AFTER_NEW : OUT_OLD;
}
