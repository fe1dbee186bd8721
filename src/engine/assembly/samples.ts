import {
  ACC_ENTRY,
  ACC_EPOCH,
  ACC_FRAME,
  ACC_HINT,
  ACC_LEVEL,
  ACC_PAGE,
  ACC_RIGHTS,
  ACC_SOURCE,
  ACC_STATE,
  ACC_WRITE,
  DEV_ACCESSES,
  DEV_SAMPLES,
  FIRST_VIOLATION,
  SAMPLE_ACCESS,
  SAMPLE_BYTES,
  SAMPLE_ENTRY,
  SAMPLE_EPOCH_AFTER,
  SAMPLE_EPOCH_BEFORE,
  SAMPLE_FRAME,
  SAMPLE_LEVEL,
  SAMPLE_NEW,
  SAMPLE_OLD,
  SAMPLE_OUTCOME,
  SAMPLE_PAGE,
  SAMPLE_PINS,
  SAMPLE_RIGHTS,
  SAMPLE_SOURCE,
  SAMPLE_STATE,
  SAMPLE_WRITE,
  SAMPLES_PER_CLASS,
  STATE_HIT,
} from "../device-layout";
import { mapAnswer } from "./oracle";

/** Keeps a violation for the report: the first three of its class, and the latest. `total` counts this one. */
export function recordSample(
  m: usize,
  block: usize,
  acc: usize,
  outcome: u32,
  total: u64,
  after: u32,
  pinned: bool,
): void {
  const last: u64 = SAMPLES_PER_CLASS - 1;
  const place = u32(total <= last ? total - 1 : last);
  const slot = (outcome - FIRST_VIOLATION) * SAMPLES_PER_CLASS + place;
  const at = block + DEV_SAMPLES + slot * SAMPLE_BYTES;
  const page = load<u64>(acc, ACC_PAGE);
  const hint: usize = load<u32>(acc, ACC_HINT);
  const before = load<u32>(acc, ACC_EPOCH);
  store<u64>(at, page, SAMPLE_PAGE);
  store<u64>(at, load<u32>(acc, ACC_STATE) === STATE_HIT ? load<u64>(acc, ACC_FRAME) : 0, SAMPLE_FRAME);
  store<u64>(at, load<u64>(acc, ACC_ENTRY), SAMPLE_ENTRY);
  store<u64>(at, load<u64>(block, DEV_ACCESSES), SAMPLE_ACCESS);
  store<u64>(at, mapAnswer(m, before >> 1, page, hint), SAMPLE_OLD);
  store<u64>(at, mapAnswer(m, (after + 1) >> 1, page, hint), SAMPLE_NEW);
  store<u32>(at, before, SAMPLE_EPOCH_BEFORE);
  store<u32>(at, after, SAMPLE_EPOCH_AFTER);
  store<u32>(at, load<u32>(acc, ACC_RIGHTS), SAMPLE_RIGHTS);
  store<u32>(at, load<u32>(acc, ACC_LEVEL), SAMPLE_LEVEL);
  store<u32>(at, load<u32>(acc, ACC_WRITE), SAMPLE_WRITE);
  store<u32>(at, load<u32>(acc, ACC_STATE), SAMPLE_STATE);
  store<u32>(at, load<u32>(acc, ACC_SOURCE), SAMPLE_SOURCE);
  store<u32>(at, outcome, SAMPLE_OUTCOME);
  store<u32>(at, pinned ? 1 : 0, SAMPLE_PINS);
}
