import { EditScript } from "../src/edit-script/index.ts";
import { type Engine, TABLE_WINDOW_PFN } from "../src/engine/types.ts";
import { type Pfn, pfn, READ, WRITE } from "../src/units/index.ts";

/**
 * Page tables for the engine rows, built by edit scripts: the same shapes in the same order as bench/yardstick builds
 * them. Entries are VT-d second stage, given as (low, high) words.
 */
export const ENTRIES = 512;
/** Pages between an IOVA and the frame behind it; a multiple of 1 GiB, so that every leaf size is aligned. */
export const DELTA_PAGES = 0x100_0000;

const RIGHTS = READ | WRITE;
const LEAF_BIT = 1 << 7;
/** Distance of neighbouring 4 KiB leaves and of neighbouring table pages. */
export const PAGE_STRIDE = 0x1000;

export const entryLow = (frame: Pfn | number): number => ((frame % 0x10_0000) * 0x1000 + RIGHTS) >>> 0;
export const superpageLow = (frame: number): number => (entryLow(frame) | LEAF_BIT) >>> 0;
export const entryHigh = (frame: Pfn | number): number => Math.floor(frame / 0x10_0000);

/** Hands out table pages of an engine in rising order; nothing else may own pages of the same engine. */
export class TableSupply {
  readonly #engine: Engine;
  #next = 0;
  constructor(engine: Engine) {
    this.#engine = engine;
  }
  get used(): number {
    return this.#next;
  }
  take(): Pfn {
    const table = pfn(TABLE_WINDOW_PFN + this.#next++);
    this.#engine.claimTable(table);
    return table;
  }
}

/** Fills a whole table with leaves (or, for a table of tables, links) of rising frames. */
export function fillRising(script: EditScript, table: Pfn, firstFrame: number, isSuperpage = false): void {
  const low = isSuperpage ? superpageLow(firstFrame) : entryLow(firstFrame);
  const stride = isSuperpage ? PAGE_STRIDE * ENTRIES : PAGE_STRIDE;
  script.fill(script.newUpdate(), table, 0, ENTRIES, low, entryHigh(firstFrame), stride, 0);
}

export function fillAbsent(script: EditScript, table: Pfn): void {
  script.fill(script.newUpdate(), table, 0, ENTRIES, 0, 0, 0, 0);
}

/** One entry of a table that no walker reaches. */
export function put(script: EditScript, table: Pfn, index: number, low: number, high: number): void {
  script.fill(script.newUpdate(), table, index, 1, low, high, 0, 0);
}

/** True iff all 512 entries of a table are 4 KiB leaves of rising frames from `firstFrame` on. */
export function holdsRising(engine: Engine, table: Pfn, firstFrame: number): boolean {
  const words = engine.readTable(table);
  for (let i = 0; i < ENTRIES; i++)
    if (words[2 * i] !== entryLow(firstFrame + i) || words[2 * i + 1] !== entryHigh(firstFrame + i))
      return false;
  return true;
}

/**
 * Four levels holding `tablePages` tables in all, regions of 2 MiB in rising order, every eighth a 2 MiB leaf. Returns
 * the root and how many pages are mapped from IOVA 0 on, each to page + DELTA_PAGES.
 */
export function buildWalkTables(engine: Engine, tablePages: number): { root: Pfn; pages: number } {
  const supply = new TableSupply(engine);
  const script = new EditScript();
  const root = supply.take();
  const level2 = supply.take();
  fillAbsent(script, root);
  fillAbsent(script, level2);
  put(script, root, 0, entryLow(level2), entryHigh(level2));
  let level1 = root;
  let region = 0;
  for (; ; region++) {
    const frame = region * ENTRIES + DELTA_PAGES;
    if (region % ENTRIES === 0) {
      if (supply.used === tablePages) break;
      level1 = supply.take();
      fillAbsent(script, level1);
      put(script, level2, region / ENTRIES, entryLow(level1), entryHigh(level1));
    }
    if (region % 8 === 7) {
      put(script, level1, region % ENTRIES, superpageLow(frame), entryHigh(frame));
    } else {
      if (supply.used === tablePages) break;
      const table = supply.take();
      fillRising(script, table, frame);
      put(script, level1, region % ENTRIES, entryLow(table), entryHigh(table));
    }
  }
  script.barrier();
  engine.execute(script.words);
  return { root, pages: region * ENTRIES };
}
