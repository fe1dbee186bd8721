import type { TablePart } from "../../edit-script/index.ts";
import type { TablesBefore } from "../input.ts";
import type { TableLog } from "../script/table-log.ts";
import { highWord, lowWord } from "./entry-words.ts";

const NO_WORDS = new Uint32Array(0);

/** Finds the entries of a table as they were before the script; `end` is -1 where they are not at hand. */
function findPart(tables: TablesBefore, table: number, part: TablePart): void {
  if (tables.find !== undefined) {
    tables.find(table as never, part);
    return;
  }
  const words = tables.words?.(table as never) ?? null;
  part.words = words ?? NO_WORDS;
  part.at = part.first = 0;
  part.end = words === null ? -1 : words.length >>> 1;
}

/** The words of so many entries of a table as they were before the script; null where they are not at hand. */
export function wordsBefore(tables: TablesBefore, table: number, entries: number): Uint32Array | null {
  const part: TablePart = { words: NO_WORDS, at: 0, first: 0, end: 0 };
  findPart(tables, table, part);
  const { words, at, first, end } = part;
  if (end < 0) return null;
  if (first === 0 && end >= entries) return words.subarray(at, at + 2 * entries);
  const all = new Uint32Array(2 * entries);
  const last = Math.max(first, Math.min(end, entries));
  all.set(words.subarray(at, at + 2 * (last - first)), 2 * Math.min(first, entries));
  return all;
}

/** Reads what entries held before the script, as two words. */
export class EntryReader {
  readonly #tables: TablesBefore;
  /** What is at hand of the table that was read last. */
  readonly #part: TablePart = { words: NO_WORDS, at: 0, first: 0, end: 0 };
  #table = -1;
  /** Words that hold nothing from an entry on: tables that nothing is said of may share theirs. */
  #empty: Uint32Array | null = null;
  #emptyFrom = 0;
  /** The entry read last. */
  lo = 0;
  hi = 0;

  constructor(tables: TablesBefore) {
    this.#tables = tables;
  }

  /** Reads what an entry held before the script, or before the life of the table that `log` tells about. */
  read(table: number, log: TableLog | null, index: number): void {
    if (log !== null && log.life > 0) {
      this.lo = this.hi = 0;
      return;
    }
    if (table !== this.#table) this.#enter(table);
    const { words, at, first, end } = this.#part;
    if (end < 0) {
      const entry = this.#tables.entry(table as never, index);
      this.lo = lowWord(entry);
      this.hi = highWord(entry);
    } else if (index < first || index >= end) this.lo = this.hi = 0;
    else {
      const own = at + 2 * (index - first);
      this.lo = words[own]!;
      this.hi = words[own + 1]!;
    }
  }

  /** The first entry from `index` on that held something, or one before it that was not looked at; `last` where there is none. */
  firstHeld(table: number, log: TableLog | null, index: number, last: number): number {
    if (log !== null && log.life > 0) return last;
    if (table !== this.#table) this.#enter(table);
    const { words, at: start, first, end: held } = this.#part;
    if (held < 0) return index;
    if (words === this.#empty && start === 0 && index >= this.#emptyFrom) return last;
    const begin = Math.max(index, first);
    const end = start + 2 * (Math.min(last, held) - first);
    let at = start + 2 * (begin - first);
    while (at + 8 <= end && isEmpty(words, at)) at += 8;
    while (at < end && words[at] === 0) at++;
    if (at < end) return first + ((at - start) >>> 1);
    if (last >= held && start === 0 && words.length === 2 * (held - first))
      [this.#empty, this.#emptyFrom] = [words, index];
    return last;
  }

  #enter(table: number): void {
    this.#table = table;
    findPart(this.#tables, table, this.#part);
  }
}

/** True iff four entries hold nothing. */
const isEmpty = (words: Uint32Array, at: number): boolean =>
  (words[at]! |
    words[at + 1]! |
    words[at + 2]! |
    words[at + 3]! |
    words[at + 4]! |
    words[at + 5]! |
    words[at + 6]! |
    words[at + 7]!) ===
  0;
