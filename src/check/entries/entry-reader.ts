import type { TablesBefore } from "../input.ts";
import type { TableLog } from "../script/table-log.ts";
import { highWord, lowWord } from "./entry-words.ts";

/** Reads what entries held before the script, as two words. */
export class EntryReader {
  readonly #tables: TablesBefore;
  /** The words of the table that was read last, where they are at hand. */
  #wordsOf = -1;
  #words: Uint32Array | null = null;
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
    const words = this.#wordsIn(table);
    if (words === null) {
      const entry = this.#tables.entry(table as never, index);
      this.lo = lowWord(entry);
      this.hi = highWord(entry);
    } else {
      this.lo = words[2 * index]!;
      this.hi = words[2 * index + 1]!;
    }
  }

  /** The first entry from `index` on that held something, or one before it that was not looked at; `last` where there is none. */
  firstHeld(table: number, log: TableLog | null, index: number, last: number): number {
    if (log !== null && log.life > 0) return last;
    const words = this.#wordsIn(table);
    if (words === null) return index;
    if (words === this.#empty && index >= this.#emptyFrom) return last;
    const end = 2 * last;
    let at = 2 * index;
    while (at + 8 <= end && isEmpty(words, at)) at += 8;
    while (at < end && words[at] === 0) at++;
    if (at >= words.length) [this.#empty, this.#emptyFrom] = [words, index];
    return at >>> 1;
  }

  #wordsIn(table: number): Uint32Array | null {
    if (table !== this.#wordsOf) {
      this.#wordsOf = table;
      this.#words = this.#tables.words?.(table as never) ?? null;
    }
    return this.#words;
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
