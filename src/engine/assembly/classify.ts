import {
  ACC_CLOCK,
  ACC_DOMAIN,
  ACC_ENTRY,
  ACC_HINT,
  ACC_PAGE,
  ACC_STATE,
  OUT_UNJUDGED,
  OUT_V01,
  OUT_V01B,
  OUT_V02,
  OUT_V03,
  OUT_V04,
  OUT_V05,
  OUT_V06,
  OUT_V07,
  OUT_V08,
  OUT_WINDOW,
  STATE_BAD_POINTER,
} from "../device-layout";
import { MAP_VERSIONS } from "../layout";
import { mapAnswer, UNKNOWN } from "./oracle";
import { isTainted } from "./translate";
import { inWindow } from "./windows";

/*
 * The slow path: one class for an access that no map in force explains. Dominance: a freed table explains everything
 * seen through it, then a torn entry, then a frame given back; only what is left is judged by its answer.
 */
const LOW20: u64 = 0xf_ffff;
/* High half of every table pointer. */
const TABLE_HIGH: u64 = 1;

function answerOf(m: usize, acc: usize, version: u32): u64 {
  return mapAnswer(m, version, load<u64>(acc, ACC_PAGE), load<u32>(acc, ACC_HINT));
}

/** Is `high` the high half of an answer of one of the maps, of nothing, or of a table pointer? */
function isLegalHigh(m: usize, acc: usize, high: u64, first: u32, last: u32): bool {
  if (high === 0) return true;
  for (let version = first; version <= last; version++)
    if (answerOf(m, acc, version) >> 22 === high) return true;
  return false;
}

/** Could two 32-bit halves of legal entries make up what was seen? */
function isTorn(m: usize, acc: usize, seen: u64, first: u32, last: u32): bool {
  if (seen === 0) {
    if (load<u32>(acc, ACC_STATE) !== STATE_BAD_POINTER) return false;
    const high = (load<u64>(acc, ACC_ENTRY) >> 32) & LOW20;
    return high !== TABLE_HIGH && isLegalHigh(m, acc, high, first, last);
  }
  const frame = seen >> 2;
  let lowIsLegal = false;
  for (let version = first; version <= last; version++) {
    const answer = answerOf(m, acc, version);
    if (answer === 0) continue;
    if (answer >> 2 === frame) return false;
    if (((answer >> 2) & LOW20) === (frame & LOW20)) lowIsLegal = true;
  }
  const high = frame >> 20;
  return lowIsLegal && (high === TABLE_HIGH || isLegalHigh(m, acc, high, first, last));
}

/** Did an earlier map, no longer in force, give this frame with at least these rights? */
function isStale(m: usize, acc: usize, seen: u64, first: u32): bool {
  for (let back: u32 = 1; back < <u32>MAP_VERSIONS && back <= first; back++) {
    const answer = answerOf(m, acc, first - back);
    if (answer === UNKNOWN) return false;
    if (answer >> 2 === seen >> 2 && (seen & 3 & ~answer) === 0) return true;
  }
  return false;
}

/**
 * Is it, frame and rights, what the map before the change said? A map of the change that names the same frame does not
 * speak against that; less than the exact answer would be a guess, since a change can make wrong rights of its own.
 */
function isOfMapBefore(m: usize, acc: usize, seen: u64, first: u32): bool {
  return first !== 0 && answerOf(m, acc, first - 1) === seen;
}

/** Class of an access that is not explained by maps `first` to `last`. */
export function classify(
  m: usize,
  acc: usize,
  seen: u64,
  served: bool,
  pinned: bool,
  first: u32,
  last: u32,
): u32 {
  if (isTainted(m, acc)) return OUT_V07;
  if (isTorn(m, acc, seen, first, last)) return OUT_V08;

  let named = false;
  let granted: u64 = 0;
  let agree = true;
  const old = answerOf(m, acc, first);
  for (let version = first; version <= last; version++) {
    const answer = answerOf(m, acc, version);
    if (answer === UNKNOWN) return OUT_UNJUDGED;
    if (answer !== old) agree = false;
    if (seen !== 0 && answer !== 0 && answer >> 2 === seen >> 2) {
      named = true;
      granted |= answer & 3;
    }
  }
  let stale: bool = false;
  if (seen !== 0)
    stale = named && first !== last ? isOfMapBefore(m, acc, seen, first) : isStale(m, acc, seen, first);
  if (!pinned && (named || stale)) return OUT_V06;
  if (seen !== 0 && !named) return stale ? OUT_V04 : OUT_V02;
  if (seen !== 0 && (seen & 3 & ~granted) !== 0) {
    /* Rights that a map now out of force gave are a stale answer, not an escalation. */
    return stale ? OUT_V04 : OUT_V03;
  }
  if (stale) return OUT_V04;
  /* A fault, or fewer rights than each map gives. */
  if (!served && inWindow(m, load<u32>(acc, ACC_DOMAIN), load<u64>(acc, ACC_PAGE), load<u32>(acc, ACC_CLOCK)))
    return OUT_WINDOW;
  if (first === last) return OUT_V05;
  return agree ? OUT_V01 : OUT_V01B;
}
