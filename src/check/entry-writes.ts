import { ByEntry } from "./by-entry.ts";
import { type Write, writeAt } from "./cells.ts";
import type { TableLog } from "./table-log.ts";

/** The writes of one life of a table, entry by entry: neighbours are asked for one after the other. */
export class EntryWrites {
  readonly #words: Uint32Array;
  readonly #log: TableLog;
  readonly #byEntry: ByEntry;

  constructor(words: Uint32Array, log: TableLog, entries: number) {
    this.#words = words;
    this.#log = log;
    const firstOf = (k: number): number => words[log.record(k) + 3]! & 0xffff;
    const countOf = (k: number): number => words[log.record(k) + 3]! >>> 16;
    this.#byEntry = new ByEntry(entries, log.writes, firstOf, countOf);
  }

  /** Those of one entry, in order. */
  at(index: number): Write[] {
    const log = this.#log;
    const byEntry = this.#byEntry;
    const writes: Write[] = [];
    for (let place = byEntry.begin(index); place < byEntry.begin(index + 1); place++) {
      const k = byEntry.position(place);
      const at = log.record(k);
      const by = index - (this.#words[at + 3]! & 0xffff);
      writes.push(writeAt(this.#words, at, by, log.step(k), log.stretch(k)));
    }
    return writes;
  }
}
