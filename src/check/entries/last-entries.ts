import type { TablesBefore } from "../input.ts";
import type { ScriptLog } from "../script/script-log.ts";
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
    const { words, steps } = this.#log;
    const own = this.#log.logAt(table, steps);
    const before = (at: number): EntryReader => {
      this.#before.read(table, own, at);
      return this.#before;
    };
    if (table !== this.#table) {
      this.#table = table;
      this.#written = own === null ? null : decodeWrites(words, own, this.#entries, this.#decoder, before);
    }
    const written = this.#written;
    const isWritten = written !== null && written.isWritten[index] === 1;
    this.lo = isWritten ? written.lo[index]! : before(index).lo;
    this.hi = isWritten ? written.hi[index]! : this.#before.hi;
  }
}
