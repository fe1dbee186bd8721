import type { Pfn } from "../units/index.ts";
import { highOf, lowOf } from "./entry-words.ts";
import { FreshTables } from "./fresh-tables.ts";
import type { TableRun } from "./text.ts";
import { MAX_INDEX } from "./text-line.ts";

const TWO32 = 0x1_0000_0000;
const WORDS_OF_TABLE = MAX_INDEX / 32;

/** The entries that `table` lines give: one that is given twice has to be the same twice. */
export class GivenEntries {
  /** What has been given, in the order of the lines. */
  readonly #runs: readonly TableRun[];
  readonly #numbers = new Map<Pfn, number>();
  /** One bit for each entry of each table, by number. */
  #isGiven = new Uint32Array(64 * WORDS_OF_TABLE);
  /** What the tables hold, once an entry has been given twice: most files have none. */
  #contents: Map<Pfn, Uint32Array> | null = null;
  readonly #fresh = new FreshTables();

  /** `runs`: where the owner puts each run once it is noted. */
  constructor(runs: readonly TableRun[]) {
    this.#runs = runs;
  }

  /**
   * Notes entries `first + i * stride`, both as two words; the answer is the index of one that was another when it was given before,
   * -1 where there is none. Pre: the entries are of the table.
   */
  note(
    table: Pfn,
    index: number,
    count: number,
    firstLow: number,
    firstHigh: number,
    strideLow: number,
    strideHigh: number,
  ): number {
    const isNew = !this.#isAnyGiven(table, index, index + count);
    if (isNew && this.#contents === null) {
      this.#mark(table, index, index + count);
      return -1;
    }
    const words = this.#contentOf(table);
    let low = firstLow >>> 0;
    let high = firstHigh >>> 0;
    for (let at = index; at < index + count; at++) {
      const isOther = words[2 * at] !== low || words[2 * at + 1] !== high;
      if (isOther && !isNew && this.#isAnyGiven(table, at, at + 1)) return at;
      words[2 * at] = low;
      words[2 * at + 1] = high;
      const sum = low + (strideLow >>> 0);
      high = (high + strideHigh + (sum >= TWO32 ? 1 : 0)) >>> 0;
      low = sum >>> 0;
    }
    this.#mark(table, index, index + count);
    return -1;
  }

  /** An entry as it was given first. Pre: it was, and another has been noted in its place. */
  entry(table: Pfn, index: number): bigint {
    const words = this.#contentOf(table);
    return (BigInt(words[2 * index + 1]!) << 32n) | BigInt(words[2 * index]!);
  }

  #isAnyGiven(table: Pfn, from: number, end: number): boolean {
    const number = this.#numbers.get(table);
    if (number === undefined) return false;
    const bits = this.#isGiven;
    for (let at = from; at < end; at++)
      if ((bits[number * WORDS_OF_TABLE + (at >>> 5)]! >>> (at & 31)) & 1) return true;
    return false;
  }

  #mark(table: Pfn, from: number, end: number): void {
    let number = this.#numbers.get(table);
    if (number === undefined) this.#numbers.set(table, (number = this.#numbers.size));
    const first = number * WORDS_OF_TABLE;
    if (first === this.#isGiven.length) {
      const more = new Uint32Array(2 * first);
      more.set(this.#isGiven);
      this.#isGiven = more;
    }
    for (let at = from; at < end; at++) this.#isGiven[first + (at >>> 5)]! |= 1 << (at & 31);
  }

  #contentOf(table: Pfn): Uint32Array {
    if (this.#contents === null) {
      this.#contents = new Map();
      for (const { table, index, count, first, stride } of this.#runs) {
        const words = this.#contentOf(table);
        let entry = first;
        for (let at = index; at < index + count; at++, entry += stride) {
          words[2 * at] = lowOf(entry);
          words[2 * at + 1] = highOf(entry);
        }
      }
    }
    let words = this.#contents.get(table);
    if (words === undefined) this.#contents.set(table, (words = wordsOf(this.#fresh.take())));
    return words;
  }
}

const wordsOf = ({ buffer, byteOffset }: BigUint64Array<ArrayBuffer>): Uint32Array =>
  new Uint32Array(buffer, byteOffset, 2 * MAX_INDEX);
