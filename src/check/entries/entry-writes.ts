import { OP } from "../../edit-script/index.ts";
import { ByEntry } from "../lists/by-entry.ts";
import type { TableLog } from "../script/table-log.ts";
import { highAt, lowAt, type Write, writeAt } from "./cells.ts";
import type { Decoder } from "./entry-kind.ts";

/** The writes of one life of a table, entry by entry: neighbours are asked for one after the other. */
export class EntryWrites {
  readonly #words: Uint32Array;
  readonly #log: TableLog;
  readonly #byEntry: ByEntry;

  constructor(words: Uint32Array, log: TableLog, entries: number) {
    this.#words = words;
    this.#log = log;
    const firstOf = (k: number): number => log.index(k);
    const countOf = (k: number): number => log.count(k);
    this.#byEntry = new ByEntry(entries, log.writes, firstOf, countOf);
  }

  /** Those of one entry, in order. */
  at(index: number): Write[] {
    const log = this.#log;
    const writes: Write[] = [];
    for (let place = this.begin(index); place < this.begin(index + 1); place++) {
      const k = this.#byEntry.position(place);
      const at = log.record(k);
      const by = index - (this.#words[at + 3]! & 0xffff);
      writes.push(writeAt(this.#words, at, by, log.step(k), log.stretch(k)));
    }
    return writes;
  }

  /** Place of the first write of an entry; its last stands before the first of the next entry. */
  begin(index: number): number {
    return this.#byEntry.begin(index);
  }
  /** Step of the write at a place. */
  step(place: number): number {
    return this.#log.step(this.#byEntry.position(place));
  }
  /** Lets the write at a place change what its entry holds; false where it leaves it as it is. */
  apply(place: number, index: number, entry: HeldEntry, decoder: Decoder): boolean {
    const words = this.#words;
    const at = this.#log.record(this.#byEntry.position(place));
    if (this.#isLost(at, entry, decoder)) return false;
    const by = index - (words[at + 3]! & 0xffff);
    const lo = lowAt(words, at, by);
    const hi = highAt(words, at, by);
    if (!decoder.differ(entry.lo, entry.hi, lo, hi)) return false;
    entry.lo = lo;
    entry.hi = hi;
    return true;
  }
  /** True iff the write at a place is a compare-exchange that meets another value than it expects, and stores nothing. */
  isLost(place: number, entry: HeldEntry, decoder: Decoder): boolean {
    return this.#isLost(this.#log.record(this.#byEntry.position(place)), entry, decoder);
  }
  #isLost(at: number, { lo, hi }: HeldEntry, decoder: Decoder): boolean {
    const words = this.#words;
    return (words[at]! & 0xff) === OP.exchange && decoder.differ(lo, hi, words[at + 6]!, words[at + 7]!);
  }
}

/** What an entry holds. */
interface HeldEntry {
  lo: number;
  hi: number;
}

const MAX_TABLES = 16;

/** The writes of tables asked for last; pages share those above them, and before long do not come back to another. */
export class RecentWrites {
  readonly #words: Uint32Array;
  readonly #entries: number;
  readonly #writes = new Map<TableLog, EntryWrites>();

  constructor(words: Uint32Array, entries: number) {
    this.#words = words;
    this.#entries = entries;
  }

  /** Those of one life of a table. */
  of(log: TableLog): EntryWrites {
    let writes = this.#writes.get(log);
    if (writes === undefined) {
      if (this.#writes.size >= MAX_TABLES) this.#writes.clear();
      this.#writes.set(log, (writes = new EntryWrites(this.#words, log, this.#entries)));
    }
    return writes;
  }
}
