import type { TablesBefore } from "../input.ts";
import type { ScriptLog } from "../script/script-log.ts";
import type { TableLog } from "../script/table-log.ts";
import { decodeWrites } from "./cells.ts";
import type { Decoder } from "./entry-kind.ts";
import { EntryReader } from "./entry-reader.ts";
import type { Geometry } from "./geometry.ts";

/** Reads what entries hold when the script has run, as two words. */
export class LastEntries {
  readonly #log: ScriptLog;
  readonly #decoder: Decoder;
  readonly #entries: number;
  readonly #before: EntryReader;
  /** The table read last, and what the script has stored there; null where it stores nothing. */
  #table = -1;
  #own: TableLog | null = null;
  #written: ReturnType<typeof decodeWrites> | null = null;
  /** The entry read last. */
  lo = 0;
  hi = 0;

  constructor(log: ScriptLog, tables: TablesBefore, decoder: Decoder, { entries }: Geometry) {
    this.#log = log;
    this.#decoder = decoder;
    this.#entries = entries;
    this.#before = new EntryReader(tables);
  }

  read(table: number, index: number): void {
    if (table !== this.#table) this.#enter(table);
    const written = this.#written;
    const isWritten = written !== null && written.isWritten[index] === 1;
    if (!isWritten) this.#before.read(table, this.#own, index);
    this.lo = isWritten ? written.lo[index]! : this.#before.lo;
    this.hi = isWritten ? written.hi[index]! : this.#before.hi;
  }

  #enter(table: number): void {
    const { words, steps } = this.#log;
    const own = this.#log.logAt(table, steps);
    const before = (at: number): EntryReader => {
      this.#before.read(table, own, at);
      return this.#before;
    };
    this.#table = table;
    this.#own = own;
    this.#written = own === null ? null : decodeWrites(words, own, this.#entries, this.#decoder, before);
  }
}
