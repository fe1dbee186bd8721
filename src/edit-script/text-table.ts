import { type Pfn, pfn } from "../units/index.ts";
import { highOf, lowOf } from "./entry-words.ts";
import { GivenEntries } from "./given-entries.ts";
import type { PlainLine } from "./plain-line.ts";
import type { TableRun } from "./text.ts";
import type { TextLine } from "./text-line.ts";

/** What the `table` lines of a file say. */
export class TableText {
  readonly runs: TableRun[] = [];
  readonly #given = new GivenEntries(this.runs);

  read(at: TextLine): void {
    for (const { table, index, count, first, stride } of at.runs()) {
      const [low, high] = [lowOf(first), highOf(first)];
      const other = this.#given.note(table, index, count, low, high, lowOf(stride), highOf(stride));
      if (other >= 0) {
        const above = this.#given.entry(table, other).toString(16);
        at.fail(`entry ${other} of this table is 0x${above} above, and another here`);
      }
      this.#push(table, index, count, first, stride);
    }
  }

  /** Reads a line in plain form. False where it contradicts one above: read as text it says so. */
  readPlain(line: PlainLine): boolean {
    const { index, listed, listedCount, options } = line;
    const table = pfn(line.table);
    if (listedCount > 1) return this.#list(table, index, line);
    const { count, strideLow, strideHigh } = options;
    if (this.#given.note(table, index, count, listed[0]!, listed[1]!, strideLow, strideHigh) >= 0)
      return false;
    this.#push(table, index, count, line.entryListed(0), line.stride);
    return true;
  }

  #list(table: Pfn, index: number, line: PlainLine): boolean {
    const { listed, listedCount } = line;
    for (let i = 0; i < listedCount; i++) {
      if (this.#given.note(table, index + i, 1, listed[2 * i]!, listed[2 * i + 1]!, 0, 0) >= 0) return false;
      this.#push(table, index + i, 1, line.entryListed(i), 0n);
    }
    return true;
  }

  #push(table: Pfn, index: number, count: number, first: bigint, stride: bigint): void {
    this.runs.push({ table, index, count, first, stride });
  }
}
