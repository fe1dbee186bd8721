import { type Write, writeAt } from "./cells.ts";
import type { TableLog } from "./table-log.ts";

/** The writes of one life of a table, entry by entry: neighbours are asked for one after the other. */
export class EntryWrites {
  readonly #words: Uint32Array;
  readonly #log: TableLog;
  /** Writes of entry i stand in `#writes` from `#begins[i]` to `#begins[i + 1]`, by their position in the log, in order. */
  readonly #begins: Uint32Array;
  readonly #writes: Uint32Array;

  constructor(words: Uint32Array, log: TableLog, entries: number) {
    this.#words = words;
    this.#log = log;
    const begins = new Uint32Array(entries + 1);
    for (let k = 0; k < log.writes; k++) {
      const { first, end } = span(words, log, k, entries);
      for (let i = first; i < end; i++) begins[i + 1]!++;
    }
    for (let i = 0; i < entries; i++) begins[i + 1]! += begins[i]!;
    this.#begins = begins;
    this.#writes = new Uint32Array(begins[entries]!);
    const next = begins.slice();
    for (let k = 0; k < log.writes; k++) {
      const { first, end } = span(words, log, k, entries);
      for (let i = first; i < end; i++) this.#writes[next[i]!++] = k;
    }
  }

  /** Those of one entry, in order. */
  at(index: number): Write[] {
    const log = this.#log;
    const writes: Write[] = [];
    for (let i = this.#begins[index]!; i < this.#begins[index + 1]!; i++) {
      const k = this.#writes[i]!;
      const at = log.record(k);
      const by = index - (this.#words[at + 3]! & 0xffff);
      writes.push(writeAt(this.#words, at, by, log.step(k), log.stretch(k)));
    }
    return writes;
  }
}

/** Entries that the write at position `k` concerns. */
function span(
  words: Uint32Array,
  log: TableLog,
  k: number,
  entries: number,
): { readonly first: number; readonly end: number } {
  const packed = words[log.record(k) + 3]!;
  const first = packed & 0xffff;
  return { first, end: Math.min(entries, first + (packed >>> 16)) };
}
