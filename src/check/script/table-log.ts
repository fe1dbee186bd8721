import { OP, RECORD_WORDS } from "../../edit-script/index.ts";
import { NEVER } from "./positions.ts";
import type { WriteRows } from "./write-rows.ts";

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

/** Nothing: most tables are neither cleaned nor collected from, nor freed twice. */
const NO_STEPS: readonly number[] = [];
const NO_CLEANS: readonly EntrySpan[] = [];
const NO_COLLECTS = new EntrySpans();

/**
 * Everything a script does to one table during one life: from its allocation (or the start) to its freeing. A page that is
 * freed and used again has two logs.
 */
export class TableLog {
  readonly table: number;
  /** 0 for the life a table had before the script. */
  readonly life: number;
  /** Its number among all logs of the script. */
  readonly number: number;
  /** The page's later lives, at its first, if there are any. */
  later: TableLog[] | null = null;
  /** Step of `freeTable`, or NEVER. */
  freedAt: number;
  /** How many steps write it. */
  writes = 0;
  /** Row of the first, from which on they stand side by side once all are read. */
  first = 0;
  readonly #rows: WriteRows;
  readonly #records: Uint32Array | null;
  #freedAgain: number[] | null = null;
  #cleans: EntrySpan[] | null = null;
  #collects: EntrySpans | null = null;

  /** `records`: word where the record of each step starts, at its number less 1; null where all are equally long. */
  constructor(table: number, life: number, number: number, records: Uint32Array | null, rows: WriteRows) {
    this.#records = records;
    this.#rows = rows;
    this.table = table;
    this.life = life;
    this.number = number;
    this.freedAt = NEVER;
  }

  get isWritten(): boolean {
    return this.writes > 0;
  }
  /** Step of the write at position `k`. */
  step(k: number): number {
    return this.#rows.step(this.first + k);
  }
  /** The first entry that it writes. */
  index(k: number): number {
    return this.#rows.span(this.first + k) & 0xffff;
  }
  /** How many it writes, unless the table ends before. */
  count(k: number): number {
    return this.#rows.span(this.first + k) >>> 16;
  }
  /** Word where the record of the write at position `k` starts. */
  record(k: number): number {
    const before = this.step(k) - 1;
    return this.#records === null ? before * RECORD_WORDS : this.#records[before]!;
  }
  /** Writes with the same stretch have nothing between them but writes to this table: their steps follow each other. */
  stretch(k: number): number {
    return this.step(k) - k;
  }
  /** True iff it stores or exchanges one entry: what it gives is at hand. */
  hasValue(k: number): boolean {
    return this.#rows.hasValue(this.first + k);
  }
  /** Low word of that. */
  lo(k: number): number {
    return this.#rows.lo(this.first + k);
  }
  /** High word of that. */
  hi(k: number): number {
    return this.#rows.hi(this.first + k);
  }
  isExchange(k: number): boolean {
    return this.#rows.op(this.first + k) === OP.exchange;
  }

  /** Steps that free it again. */
  get freedAgain(): readonly number[] {
    return this.#freedAgain ?? NO_STEPS;
  }
  get cleans(): readonly EntrySpan[] {
    return this.#cleans ?? NO_CLEANS;
  }
  /** Collects, where walkers set dirty bits. */
  get collects(): EntrySpans {
    return this.#collects ?? NO_COLLECTS;
  }
  free(step: number): void {
    if (this.freedAt === NEVER) this.freedAt = step;
    else (this.#freedAgain ??= []).push(step);
  }
  clean(step: number, index: number, count: number): void {
    (this.#cleans ??= []).push({ step, index, count });
  }
  collect(step: number, index: number, count: number): void {
    (this.#collects ??= new EntrySpans()).push(step, index, count);
  }
}
