import type { Pfn } from "../units/index.ts";
import { highOf, lowOf } from "./entry-words.ts";
import type { TableRun } from "./text.ts";

const TWO32 = 0x1_0000_0000;
const NO_WORDS = new Uint32Array(0);
/** True iff the host keeps the low word of an entry first, so that an entry in memory is a pair of words as they are. */
const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** Where entries of a table stand among words, low word first: those from `first` up to `end`. All others hold nothing. */
export interface TablePart {
  words: Uint32Array;
  /** Word at which the first of them stands. */
  at: number;
  first: number;
  /** -1 where the entries have to be asked for one by one. */
  end: number;
}

/** Entries of a table that hold something, one after the other, as two words each. */
export type EntryVisit = (index: number, lo: number, hi: number) => void;

/** Finds the entries of a table that is kept as a whole; none where there is none. */
export function findWhole(content: BigUint64Array | undefined, part: TablePart): void {
  part.at = part.first = 0;
  part.end = content === undefined ? 0 : isLittleEndian ? content.length : -1;
  const isAtHand = content !== undefined && isLittleEndian;
  part.words = isAtHand ? new Uint32Array(content.buffer, content.byteOffset, 2 * content.length) : NO_WORDS;
}

/** Visits the entries of such a table. */
export function eachOfWhole(content: BigUint64Array | undefined, visit: EntryVisit): void {
  if (content === undefined) return;
  for (let index = 0; index < content.length; index++) {
    const entry = content[index]!;
    if (entry !== 0n) visit(index, lowOf(entry), highOf(entry));
  }
}

/**
 * What lines say that tables hold. Of each table the entries from the first that is given to the last stand side by side, as two words
 * each: a file that gives one entry of many tables takes the memory of its lines, and not that of the tables.
 */
export class GivenTables {
  readonly #numbers = new Map<Pfn, number>();
  /** By number: the entries that are kept, and the word at which the first of them stands. */
  readonly #first: Int32Array;
  readonly #end: Int32Array;
  readonly #at: Float64Array;
  readonly #words: Uint32Array;

  /** `roots`: tables though nothing may be said of them. Pre: what is given twice is the same twice. */
  constructor(roots: readonly Pfn[], runs: readonly TableRun[]) {
    for (const root of roots) this.#number(root);
    for (const { table } of runs) this.#number(table);
    const count = this.#numbers.size;
    this.#first = new Int32Array(count).fill(0x7fff_ffff);
    this.#end = new Int32Array(count);
    for (const { table, index, count } of runs) {
      const own = this.#numbers.get(table)!;
      this.#first[own] = Math.min(this.#first[own]!, index);
      this.#end[own] = Math.max(this.#end[own]!, index + count);
    }
    this.#at = new Float64Array(count);
    let words = 0;
    for (let own = 0; own < count; own++) {
      this.#first[own] = Math.min(this.#first[own]!, this.#end[own]!);
      this.#at[own] = words;
      words += 2 * (this.#end[own]! - this.#first[own]!);
    }
    this.#words = new Uint32Array(words);
    for (const run of runs) this.#write(run);
  }

  #number(table: Pfn): void {
    if (!this.#numbers.has(table)) this.#numbers.set(table, this.#numbers.size);
  }

  #write({ table, index, count, first, stride }: TableRun): void {
    const own = this.#numbers.get(table)!;
    let at = this.#at[own]! + 2 * (index - this.#first[own]!);
    let [low, high] = [lowOf(first), highOf(first)];
    const [byLow, byHigh] = [lowOf(stride), highOf(stride)];
    for (let i = 0; i < count; i++) {
      this.#words[at++] = low;
      this.#words[at++] = high;
      const sum = low + byLow;
      high = (high + byHigh + (sum >= TWO32 ? 1 : 0)) >>> 0;
      low = sum >>> 0;
    }
  }

  has(table: Pfn): boolean {
    return this.#numbers.has(table);
  }

  /** Finds what is kept of a table: nothing where nothing was said of it. */
  find(table: Pfn, part: TablePart): void {
    const own = this.#numbers.get(table);
    if (own === undefined) {
      part.words = NO_WORDS;
      part.at = part.first = part.end = 0;
      return;
    }
    part.words = this.#words;
    part.first = this.#first[own]!;
    part.end = this.#end[own]!;
    part.at = this.#at[own]!;
  }

  entry(table: Pfn, index: number): bigint {
    const own = this.#numbers.get(table);
    if (own === undefined || index < this.#first[own]! || index >= this.#end[own]!) return 0n;
    const at = this.#at[own]! + 2 * (index - this.#first[own]!);
    return (BigInt(this.#words[at + 1]!) << 32n) | BigInt(this.#words[at]!);
  }

  each(table: Pfn, visit: EntryVisit): void {
    const own = this.#numbers.get(table);
    if (own === undefined) return;
    let at = this.#at[own]!;
    for (let index = this.#first[own]!; index < this.#end[own]!; index++, at += 2) {
      const [lo, hi] = [this.#words[at]!, this.#words[at + 1]!];
      if (lo !== 0 || hi !== 0) visit(index, lo, hi);
    }
  }

  /** All entries of a table, which are written into one that holds nothing. */
  copyTo(content: BigUint64Array, table: Pfn): void {
    this.each(table, (index, lo, hi) => {
      content[index] = (BigInt(hi) << 32n) | BigInt(lo);
    });
  }

  keys(): MapIterator<Pfn> {
    return this.#numbers.keys();
  }
}
