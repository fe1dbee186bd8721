import { RECORD_WORDS } from "../../edit-script/index.ts";

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

/** Numbers of a write in a log: its step, its entries (the first, and above 16 bits how many), and where its value stands. */
const ROW = 3;
/** The write gives more than one entry a value, or is a plain one: its record tells. */
const IN_RECORD = -1;

/**
 * The values that stores of one entry give, in the order of the script: of a table that is written page by page the records lie far
 * apart, each on a page of memory of its own.
 */
export class StoredValues {
  /** Two words each. */
  readonly words: Uint32Array;
  #length = 0;

  constructor(room: number) {
    this.words = new Uint32Array(2 * room);
  }

  /** Takes one more, and returns its place. */
  push(lo: number, hi: number): number {
    const at = this.#length;
    this.words[at] = lo;
    this.words[at + 1] = hi;
    this.#length = at + 2;
    return at;
  }
}

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
  readonly #rows: number[] = [];
  readonly #records: Uint32Array | null;
  readonly #values: StoredValues;
  readonly cleans: EntrySpan[] = [];
  /** Collects, where walkers set dirty bits. */
  readonly collects = new EntrySpans();

  /** `records`: word where the record of each step starts, at its number less 1; null where all are equally long. */
  constructor(table: number, life: number, never: number, records: Uint32Array | null, values: StoredValues) {
    this.#records = records;
    this.#values = values;
    this.table = table;
    this.life = life;
    this.freedAt = never;
  }

  get writes(): number {
    return this.#rows.length / ROW;
  }
  get isWritten(): boolean {
    return this.#rows.length > 0;
  }
  /** Notes down a write of `span`, which its record has. */
  push(step: number, span: number): void {
    this.#rows.push(step, span, IN_RECORD);
  }
  /** Notes down a store of one entry. */
  pushStore(step: number, span: number, lo: number, hi: number, isExchange: boolean): void {
    const place = this.#values.push(lo, hi);
    this.#rows.push(step, span, isExchange ? place + 1 : place);
  }
  /** Step of the write at position `k`. */
  step(k: number): number {
    return this.#rows[ROW * k]!;
  }
  /** The first entry that it writes. */
  index(k: number): number {
    return this.#rows[ROW * k + 1]! & 0xffff;
  }
  /** How many it writes, unless the table ends before. */
  count(k: number): number {
    return this.#rows[ROW * k + 1]! >>> 16;
  }
  /** Word where the record of the write at position `k` starts. */
  record(k: number): number {
    const before = this.#rows[ROW * k]! - 1;
    return this.#records === null ? before * RECORD_WORDS : this.#records[before]!;
  }
  /** Writes with the same stretch have nothing between them but writes to this table: their steps follow each other. */
  stretch(k: number): number {
    return this.#rows[ROW * k]! - k;
  }
  /** Where the value stands of a store of one entry, of the words of `values`; -1 where only the record of the write tells. */
  place(k: number): number {
    const place = this.#rows[ROW * k + 2]!;
    return place < 0 ? IN_RECORD : place & ~1;
  }
  /** True iff it is an exchange. Pre: it has a place. */
  isExchange(k: number): boolean {
    return (this.#rows[ROW * k + 2]! & 1) === 1;
  }
  get values(): Uint32Array {
    return this.#values.words;
  }
}
