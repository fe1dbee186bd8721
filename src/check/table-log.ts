import { RECORD_WORDS } from "../edit-script/index.ts";

/** How entries were written: by single stores a walker may watch, or by plain stores that may tear. */
export const LIVE = 0;
export const PLAIN = 1;

/** What one step does to neighbouring entries. */
export interface EntrySpan {
  readonly step: number;
  readonly index: number;
  readonly count: number;
}

/** What steps do to neighbouring entries, in their order, as rows of numbers: a script that goes page by page has one for each. */
export class EntrySpans implements Iterable<EntrySpan> {
  readonly #rows: number[] = [];

  get length(): number {
    return this.#rows.length / SPAN_NUMBERS;
  }
  push(step: number, index: number, count: number): void {
    this.#rows.push(step, index, count);
  }
  step(k: number): number {
    return this.#rows[SPAN_NUMBERS * k]!;
  }
  index(k: number): number {
    return this.#rows[SPAN_NUMBERS * k + 1]!;
  }
  count(k: number): number {
    return this.#rows[SPAN_NUMBERS * k + 2]!;
  }

  /** One object each, for readers of a few. */
  *[Symbol.iterator](): Generator<EntrySpan> {
    for (let k = 0; k < this.length; k++)
      yield { step: this.step(k), index: this.index(k), count: this.count(k) };
  }
}
const SPAN_NUMBERS = 3;

/**
 * Everything a script does to one table during one life: from its allocation (or the start) to its freeing. A page that is
 * freed and used again has two logs.
 */
export class TableLog {
  readonly table: number;
  /** 0 for the life a table had before the script. */
  readonly life: number;
  /** Step of `freeTable`, or NEVER. */
  freedAt: number;
  /** Steps that free it again. */
  readonly freedAgain: number[] = [];
  /** Of each write, its step and the entries it is of: the first one, and above 16 bits how many. */
  readonly #rows: number[] = [];
  readonly #records: Uint32Array | null;
  readonly cleans: EntrySpan[] = [];
  /** Collects, where walkers set dirty bits. */
  readonly collects = new EntrySpans();

  /** `records`: word where the record of each step starts, at its number less 1; null where all are equally long. */
  constructor(table: number, life: number, never: number, records: Uint32Array | null) {
    this.#records = records;
    this.table = table;
    this.life = life;
    this.freedAt = never;
  }

  get writes(): number {
    return this.#rows.length >>> 1;
  }
  get isWritten(): boolean {
    return this.#rows.length > 0;
  }
  /** Notes down a write of `span`, which its record has. */
  push(step: number, span: number): void {
    this.#rows.push(step, span);
  }
  /** Step of the write at position `k`. */
  step(k: number): number {
    return this.#rows[2 * k]!;
  }
  /** The first entry that it writes. */
  index(k: number): number {
    return this.#rows[2 * k + 1]! & 0xffff;
  }
  /** How many it writes, unless the table ends before. */
  count(k: number): number {
    return this.#rows[2 * k + 1]! >>> 16;
  }
  /** Word where the record of the write at position `k` starts. */
  record(k: number): number {
    const before = this.#rows[2 * k]! - 1;
    return this.#records === null ? before * RECORD_WORDS : this.#records[before]!;
  }
  /** Writes with the same stretch have nothing between them but writes to this table: their steps follow each other. */
  stretch(k: number): number {
    return this.#rows[2 * k]! - k;
  }
}
