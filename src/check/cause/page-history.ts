import { CACHES_ALL, decodeStep, OP, type Step } from "../../edit-script/index.ts";
import type { Decision } from "../decide.ts";
import type { DecideOptions } from "../decide-options.ts";
import { touches } from "../lists/ranges.ts";
import { type OnlyPages, pagesOf } from "../maps/only-pages.ts";
import { OrderSteps, onlyOrders } from "../script/order-steps.ts";
import type { ScriptLog } from "../script/script-log.ts";

const TWO32 = 0x1_0000_0000;

/** Steps that a history may have before the cause of what it shows is left unnamed. */
const MAX_STEPS = 4096;
/** Steps of a history that may go on with stores to the page's neighbours in it. */
const FEW_STEPS = 64;
/** Writes that it may have then: each is tried behind each later one. */
const FEW_WRITES = 16;
/** A history with more steps is thinned. */
const MANY_STEPS = 128;
/** Invalidations of other pages, near and far, that stay in a thinned history: one of them may be what should have reached this page. */
const MAX_STRANGERS = 32;
/** Of the invalidations that reach the page, one after the other with nothing that matters between, so many first and last ones stay. */
const MAX_IN_A_ROW = 32;

/** The steps that matter to one page, or to two. */
export interface PageHistory {
  readonly steps: readonly Step[];
  /** Those that the steps have in the whole script. */
  readonly numbers: readonly number[];
  /** Tables that walks of the page pass through. */
  readonly tables: readonly number[];
  /** Steps were left out that could matter. */
  readonly isThinned: boolean;
}

/**
 * The steps that matter to one page: those that order, and writes to tables its walks pass through. A recorder gives a line
 * to each entry and to each frame, and trials go with the square of the writes: from a long history the single stores to
 * entries that no walk of the page loads are left out, the unpins of frames that none ends in, freed tables that none passes through,
 * and windows of other pages. A short one keeps them, since one cause may be behind what neighbours show. Null where it is still too long.
 */
export function pageHistory(decision: Decision, page: OnlyPages, options: DecideOptions): PageHistory | null {
  const { entries, frames } = decision.reachedFrom(page, options);
  const { log } = decision;
  const { words, records } = log;
  const { starts, ends } = log.unpins;
  const pages = [...pagesOf(page)];
  const all: number[] = [];
  // A script that goes page by page has steps that order for each of them.
  const room = new Int32Array(log.steps);
  let owns = 0;
  let writes = 0;
  let table = -1;
  let loaded: ReadonlySet<number> | undefined;
  // Tables that have been written since they were allocated: the first write makes a page one.
  const begun = new Set<number>();
  for (let k = 0, unpin = 0; k < log.steps; k++) {
    const at = records[k]!;
    const op = words[at]! & 0xff;
    let isNeighbour = false;
    if (op === OP.unpin) isNeighbour = !touches(frames, starts[unpin]!, ends[unpin++]!);
    else if (isOnEntries(op)) {
      if (words[at + 2]! !== table) {
        table = words[at + 2]!;
        loaded = entries.get(table);
      }
      if (loaded === undefined) continue;
      const isSingle =
        words[at + 3]! >>> 16 === 1 && op !== OP.gather && (op !== OP.fill || begun.has(table));
      isNeighbour = isSingle && !loaded.has(words[at + 3]! & 0xffff);
      begun.add(table);
      writes++;
    } else if (op === OP.freeTable) {
      isNeighbour = !entries.has(words[at + 2]!);
      begun.delete(words[at + 2]!);
    } else if (op === OP.window) isNeighbour = !pages.some((own) => isInWindow(words, at, own));
    if (all.length <= FEW_STEPS) all.push(k + 1);
    if (!isNeighbour) room[owns++] = k + 1;
  }
  const own = room.subarray(0, owns);
  const isFew = all.length <= FEW_STEPS && writes <= FEW_WRITES;
  const isThinned = !isFew && own.length > MANY_STEPS;
  const numbers = isFew ? all : isThinned ? thinned(decision, own, pages) : [...own];
  if (numbers.length > MAX_STEPS) return null;
  const steps = numbers.map((number) => decodeStep(words, records[number - 1]!));
  return { steps, numbers, tables: [...entries.keys()], isThinned };
}

/**
 * Leaves out invalidations of other pages, but for the first ones behind a write of the page's own, those in the middle of a row, and
 * barriers and waits that find nothing to order: of a script that goes page by page, what is about the others.
 */
function thinned({ log, geometry }: Decision, numbers: Int32Array, pages: readonly number[]): number[] {
  const { words, records } = log;
  const acting = actingSteps(log, numbers, pages, geometry.entries);
  const order = new OrderSteps();
  const kept: number[] = [];
  for (const number of numbers) {
    const at = records[number - 1]!;
    if (onlyOrders(words[at]! & 0xff)) {
      if (order.orders(words, at)) kept.push(number);
    } else if (acting.has(number)) {
      order.follow();
      kept.push(number);
    }
  }
  return kept;
}

/** Those of some steps that stay in a thinned history, but for what orders them. `entries`: pages of a last table. */
function actingSteps(
  log: ScriptLog,
  numbers: Int32Array,
  pages: readonly number[],
  entries: number,
): ReadonlySet<number> {
  const { words, records } = log;
  const { invalidations } = log;
  const { starts, ends } = invalidations;
  const acting = new Set<number>();
  let [neighbours, strangers] = [0, 0];
  let isWritten = false;
  let next = 0;
  /* Invalidations that reach the page. */
  let row: number[] = [];
  const closeRow = (): void => {
    const middle = row.length - MAX_IN_A_ROW;
    for (const [i, number] of row.entries()) if (i < MAX_IN_A_ROW || i >= middle) acting.add(number);
    row = [];
  };
  for (const number of numbers) {
    const op = words[records[number - 1]!]! & 0xff;
    if (onlyOrders(op)) continue;
    if (op !== OP.invalidate) {
      isWritten ||= isOnEntries(op);
      closeRow();
      acting.add(number);
      continue;
    }
    while (invalidations.step(next) < number) next++;
    const [start, end] = [starts[next]!, ends[next]!];
    if ((invalidations.caches(next) & CACHES_ALL) === 0 || pages.some((own) => start <= own && own < end))
      row.push(number);
    else if (isWritten) {
      const isNear = pages.some((own) => start < own + entries && own < end + entries);
      if ((isNear ? neighbours++ : strangers++) < MAX_STRANGERS) acting.add(number);
    }
  }
  closeRow();
  return acting;
}

/** True iff the window of the record at a word opens or closes for a page. */
function isInWindow(words: Uint32Array, at: number, page: number): boolean {
  const start = words[at + 5]! * TWO32 + words[at + 4]!;
  return start <= page && page < start + words[at + 7]! * TWO32 + words[at + 6]!;
}

/** True iff a step writes, cleans or collects from entries. */
const isOnEntries = (op: number): boolean =>
  op === OP.fill ||
  op === OP.gather ||
  op === OP.clean ||
  op === OP.store ||
  op === OP.storeRun ||
  op === OP.exchange ||
  op === OP.collect;
