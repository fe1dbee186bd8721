import type { Pfn } from "../units/index.ts";
import { MAX_INDEX } from "./text-line.ts";

const TWO32 = 0x1_0000_0000;

interface GivenTable {
  readonly words: Uint32Array;
  readonly isGiven: Uint8Array;
}

/** The entries that `table` lines give: one that is given twice has to be the same twice. */
export class GivenEntries {
  readonly #tables = new Map<Pfn, GivenTable>();

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
    const { words, isGiven } = this.#of(table);
    let low = firstLow >>> 0;
    let high = firstHigh >>> 0;
    for (let at = index; at < index + count; at++) {
      if (isGiven[at] === 0) {
        isGiven[at] = 1;
        words[2 * at] = low;
        words[2 * at + 1] = high;
      } else if (words[2 * at] !== low || words[2 * at + 1] !== high) return at;
      const sum = low + (strideLow >>> 0);
      high = (high + strideHigh + (sum >= TWO32 ? 1 : 0)) >>> 0;
      low = sum >>> 0;
    }
    return -1;
  }

  /** An entry as it was given first. Pre: it was. */
  entry(table: Pfn, index: number): bigint {
    const { words } = this.#of(table);
    return (BigInt(words[2 * index + 1]!) << 32n) | BigInt(words[2 * index]!);
  }

  #of(table: Pfn): GivenTable {
    let given = this.#tables.get(table);
    if (given === undefined) {
      given = { words: new Uint32Array(2 * MAX_INDEX), isGiven: new Uint8Array(MAX_INDEX) };
      this.#tables.set(table, given);
    }
    return given;
  }
}
