import {
  CTL_BARRIERS,
  CTL_ENTRIES_COLLECTED,
  CTL_ENTRY_STORES,
  CTL_ERROR,
  CTL_ERROR_A,
  CTL_ERROR_AT,
  CTL_FENCE,
  CTL_INVALIDATIONS,
  CTL_PAGES_UNPINNED,
  CTL_PERTURB_ONE_IN,
  CTL_PRIVATE_STORES,
  CTL_SCRIPT,
  CTL_TABLE_PAGES,
  CTL_TABLES_FREED,
  CTL_WAITS,
  ERR_DEVICE,
  ERR_INDEX,
  ERR_OP,
  ERR_TABLE,
  ERR_TABLE_DEAD,
  ERR_TRUNCATED,
} from "../layout";
import { collectRun, exchangeEntry } from "./dirty";
import { fillRun, gatherRun } from "./fill";
import { postInvalidation, waitForDevices } from "./invalidation";
import { perturb, setRoot, storeLive } from "./live";
import { unpinFrames } from "./pins";
import { freeTable } from "./tables";
import { closeWindow, openWindow } from "./windows";

/* Ops and flags of the binary script, see edit-script/records.ts. */
const OP_FILL: u32 = 1;
const OP_GATHER: u32 = 2;
const OP_BARRIER: u32 = 3;
const OP_CLEAN: u32 = 4;
const OP_STORE: u32 = 5;
const OP_STORE_RUN: u32 = 6;
const OP_EXCHANGE: u32 = 7;
const OP_INVALIDATE: u32 = 8;
const OP_WAIT: u32 = 9;
const OP_FREE_TABLE: u32 = 10;
const OP_UNPIN: u32 = 11;
const OP_WINDOW: u32 = 12;
const OP_SET_ROOT: u32 = 13;
const OP_COLLECT: u32 = 14;
const RECORD_BYTES: u32 = 32;

const NOT_A_TABLE: u32 = 0xffff_ffff;
const FIRST_TABLE_FRAME: u32 = 0x10_0000;

function count(m: usize, counter: usize, by: u32): void {
  store<u64>(m + counter, load<u64>(m + counter) + by);
}

/** Offset of the table a record names, or NOT_A_TABLE. */
function tableOffset(m: usize, frame: u32): u32 {
  const page = frame - FIRST_TABLE_FRAME;
  return page < load<u32>(m, CTL_TABLE_PAGES) ? page << 12 : NOT_A_TABLE;
}

/** Range of a record that names a table, an index and a count: 0 or an error code. */
function checkEntries(table: u32, index: u32, entries: u32): i32 {
  if (table === NOT_A_TABLE) return ERR_TABLE;
  return index + entries <= 512 ? 0 : ERR_INDEX;
}

function fail(m: usize, code: i32, at: u32, detail: u64): void {
  store<i32>(m, code, CTL_ERROR);
  store<u32>(m, at, CTL_ERROR_AT);
  store<u64>(m, detail, CTL_ERROR_A);
}

/** Steps that change or free tables; returns 0 or an error code. */
function tableStep(m: usize, at: usize, op: u32): i32 {
  const table = tableOffset(m, load<u32>(at, 8));
  const place = load<u32>(at, 12);
  const index = place & 0xffff;
  const entries = place >> 16;
  const error = checkEntries(table, index, entries);
  if (error !== 0) return error;
  const slot: usize = table + (index << 3);
  const first = load<u64>(at, 16);
  if (op === OP_FILL) {
    fillRun(slot, entries, first, load<u64>(at, 24));
    count(m, CTL_PRIVATE_STORES, entries);
  } else if (op === OP_GATHER) {
    gatherRun(slot, entries, at + RECORD_BYTES);
    count(m, CTL_PRIVATE_STORES, entries);
  } else if (op === OP_STORE) {
    storeLive(m, slot, 1, first, 0);
    count(m, CTL_ENTRY_STORES, 1);
  } else if (op === OP_STORE_RUN) {
    storeLive(m, slot, entries, first, load<u64>(at, 24));
    count(m, CTL_ENTRY_STORES, entries);
  } else if (op === OP_EXCHANGE) {
    count(m, CTL_ENTRY_STORES, 1);
    return exchangeEntry(m, slot, load<u64>(at, 24), first);
  } else if (op === OP_COLLECT) {
    count(m, CTL_ENTRIES_COLLECTED, collectRun(m, table, index, entries));
  } else if (op === OP_FREE_TABLE) {
    if (!freeTable(m, table)) return ERR_TABLE_DEAD;
    count(m, CTL_TABLES_FREED, 1);
  }
  return 0;
}

/** Steps that concern devices, frames and domains; returns 0 or an error code. */
function machineStep(m: usize, at: usize, op: u32): i32 {
  const flag = ((load<u32>(at) >> 8) & 1) !== 0;
  const domain = load<u32>(at, 8);
  const start = load<u64>(at, 16);
  const pages = load<u64>(at, 24);
  if (op === OP_BARRIER) {
    atomic.add<u32>(m, 0, CTL_FENCE);
    count(m, CTL_BARRIERS, 1);
  } else if (op === OP_INVALIDATE) {
    count(m, CTL_INVALIDATIONS, 1);
    if (postInvalidation(m, flag, domain, load<u32>(at, 12), start, start + pages) >= 0) return ERR_DEVICE;
  } else if (op === OP_WAIT) {
    count(m, CTL_WAITS, 1);
    if (waitForDevices(m, flag) >= 0) return ERR_DEVICE;
  } else if (op === OP_UNPIN) {
    const error = unpinFrames(m, f64(start), f64(pages));
    if (error !== 0) return error;
    store<u64>(m, load<u64>(m, CTL_PAGES_UNPINNED) + pages, CTL_PAGES_UNPINNED);
  } else if (op === OP_WINDOW) {
    return flag ? openWindow(m, domain, start, start + pages) : closeWindow(m, domain, start, start + pages);
  } else if (op === OP_SET_ROOT) {
    const root = tableOffset(m, u32(start));
    if (start >> 32 !== 0 || root === NOT_A_TABLE) return ERR_TABLE;
    count(m, CTL_ENTRY_STORES, 1);
    setRoot(m, domain, root, load<u32>(at, 12), u32(pages));
  } else {
    return ERR_OP;
  }
  return 0;
}

/**
 * Executes the whole records among the `words` words in the script window and returns how many words they were.
 * Stops at the first error, which it leaves in the control block.
 */
export function execute(m: usize, words: u32): u32 {
  const base: usize = load<u32>(m, CTL_SCRIPT);
  const end: u32 = words << 2;
  const perturbed = load<u32>(m, CTL_PERTURB_ONE_IN) !== 0;
  let at: u32 = 0;
  store<i32>(m, 0, CTL_ERROR);
  while (at + RECORD_BYTES <= end) {
    const record = base + at;
    const op = load<u32>(record) & 0xff;
    let length = RECORD_BYTES;
    if (op === OP_GATHER) {
      const entries = load<u32>(record, 12) >> 16;
      if (entries > 512) {
        fail(m, ERR_INDEX, at >> 2, entries);
        return at >> 2;
      }
      length += entries << 3;
      if (at + length > end) break;
    }
    const isTableStep =
      op === OP_FREE_TABLE || op === OP_COLLECT || op <= OP_GATHER || (op >= OP_STORE && op <= OP_EXCHANGE);
    const error =
      op === 0
        ? ERR_OP
        : op === OP_CLEAN
          ? 0
          : isTableStep
            ? tableStep(m, record, op)
            : machineStep(m, record, op);
    if (error !== 0) {
      fail(m, error, at >> 2, load<u64>(record, 16));
      return at >> 2;
    }
    if (perturbed) perturb(m);
    at += length;
  }
  if (at === 0 && end !== 0) fail(m, ERR_TRUNCATED, 0, 0);
  return at >> 2;
}
