import { OP, RECORD_WORDS } from "../../edit-script/index.ts";
import { LIVE, PLAIN, type TableLog } from "../script/table-log.ts";
import { type Cell, goesOn, isRegular, writeAt } from "./cells.ts";
import { ABSENT, type Decoder, LEAF } from "./entry-kind.ts";

const TWO32 = 0x1_0000_0000;
const UNWRITTEN = -1;
/** Entries are cleaned at different times on either side, however alike what is written there. */
const EDGE = 2;
const NO_WORDS = new Uint32Array(0);
/** How an entry was written that is exchanged: only where it holds what is expected. */
export const EXCHANGED = 2;
/** With a smaller share of entries that may differ from their neighbours, cells cost less than columns. */
const SCATTERED = 1 / 32;

/**
 * What a script writes into a table of which it writes no entry twice, entry by entry in columns: a scattered map has a
 * history for every page, and an object for each of them would cost more than to decide it.
 */
export class SingleWrites {
  /** Words of the entries written. */
  readonly lo: Uint32Array;
  readonly hi: Uint32Array;
  /** Position in the log of the write of an entry, -1 where it is not written. */
  readonly write: Int32Array;
  /** `LIVE`, `PLAIN` or `EXCHANGED`. */
  readonly how: Uint8Array;
  /** First of the entries that share the history of this one. */
  readonly #first: Uint16Array;
  /** How many they are, at the first, and 0 at the others; says nothing where nothing is written. */
  readonly #count: Uint16Array;
  /** Entries where the history of others may begin. */
  readonly #cut: Uint8Array;
  /** Entries outside of [low, high) are not written. */
  #low = 0;
  #high = 0;
  #words: Uint32Array = NO_WORDS;
  #log!: TableLog;

  /** Columns for tables of `entries` entries, one table after the other. */
  constructor(entries: number) {
    this.lo = new Uint32Array(entries);
    this.hi = new Uint32Array(entries);
    this.write = new Int32Array(entries).fill(UNWRITTEN);
    this.how = new Uint8Array(entries);
    this.#first = new Uint16Array(entries);
    this.#count = new Uint16Array(entries);
    this.#cut = new Uint8Array(entries + 1);
  }

  /** True iff columns cost less than cells for what a table is written; `isOneOfMany`: they serve the next tables too. */
  static fits(words: Uint32Array, log: TableLog, entries: number, isOneOfMany: boolean): boolean {
    return isScattered(words, log, entries) || (isOneOfMany && isOfSingleEntries(log));
  }

  /** Fills the columns anew, for a table whose entries span `span` pages; false where they cannot say all there is. */
  fill(
    words: Uint32Array,
    log: TableLog,
    level: number,
    span: number,
    decoder: Decoder,
    collapse: boolean,
  ): boolean {
    this.#words = words;
    this.#log = log;
    this.#clear();
    const entries = this.write.length;
    const cut = this.#cut;
    for (let k = 0; k < log.writes; k++) {
      const index = log.index(k);
      if (log.hasValue(k)) {
        if (index >= entries) continue;
        if (this.write[index] !== UNWRITTEN) return false;
        this.#extend(index, index + 1);
        this.write[index] = k;
        this.how[index] = log.isExchange(k) ? EXCHANGED : LIVE;
        this.lo[index] = log.lo(k);
        this.hi[index] = log.hi(k);
        cut[index] = cut[index + 1] = 1;
        continue;
      }
      const at = log.record(k);
      const count = Math.min(log.count(k), entries - index);
      if (count <= 0) continue;
      this.#extend(index, index + count);
      if (!this.#take(k, at, index, count)) return false;
      cut[index] = cut[index + count] = 1;
      if (count > 1 && !(collapse && isRegular(words, at, level, span, decoder)))
        cut.fill(1, index, index + count);
    }
    for (const { index, count } of log.cleans)
      for (const edge of [index, index + count])
        if (edge >= this.#low && edge <= this.#high) cut[edge] = EDGE;
    this.#join(cut, level, span, decoder, collapse);
    return true;
  }

  /** True iff the entry is written and shares its history with no neighbour. */
  isAlone(index: number): boolean {
    return this.#count[index] === 1;
  }

  /** The first entry from one on that is written, `last` where none before it is. */
  unwrittenUntil(from: number, last: number): number {
    const high = Math.min(this.#high, last);
    let at = Math.max(from, this.#low);
    while (at < high && this.write[at] === UNWRITTEN) at++;
    return at < high ? at : last;
  }

  /** The entries that share the history of this one; null where it is not written. */
  cellAt(index: number): Cell | null {
    const k = this.write[index]!;
    if (k === UNWRITTEN) return null;
    const first = this.#first[index]!;
    const at = this.#log.record(this.write[first]!);
    const by = first - (this.#words[at + 3]! & 0xffff);
    const own = this.write[first]!;
    const write = writeAt(this.#words, at, by, this.#log.step(own), this.#log.stretch(own));
    return { first, count: this.#count[first]!, writes: [write] };
  }

  /** True iff an exchange meets what it expects in an entry. Pre: it is exchanged. */
  meets(index: number, lo: number, hi: number, decoder: Decoder): boolean {
    const at = this.#log.record(this.write[index]!);
    return !decoder.differ(lo, hi, this.#words[at + 6]!, this.#words[at + 7]!);
  }

  /** Forgets what was filled in last: most tables are written in few places. */
  #clear(): void {
    this.write.fill(UNWRITTEN, this.#low, this.#high);
    this.#cut.fill(0, this.#low, this.#high + 1);
    [this.#low, this.#high] = [this.write.length, 0];
  }

  #extend(first: number, end: number): void {
    if (first < this.#low) this.#low = first;
    if (end > this.#high) this.#high = end;
  }

  /** Notes down one record; false where it writes an entry again. */
  #take(k: number, at: number, index: number, count: number): boolean {
    const { lo, hi, write, how } = this;
    const words = this.#words;
    const op = words[at]! & 0xff;
    const own = op === OP.exchange ? EXCHANGED : op === OP.fill || op === OP.gather ? PLAIN : LIVE;
    for (let i = index; i < index + count; i++) {
      if (write[i] !== UNWRITTEN) return false;
      write[i] = k;
      how[i] = own;
    }
    if (op === OP.gather)
      for (let i = index, value = at + RECORD_WORDS; i < index + count; i++, value += 2) {
        lo[i] = words[value]!;
        hi[i] = words[value + 1]!;
      }
    else {
      lo[index] = words[at + 4]!;
      hi[index] = words[at + 5]!;
      for (let i = 1; i < count; i++) {
        const low = words[at + 4]! + i * words[at + 6]!;
        lo[index + i] = low >>> 0;
        hi[index + i] = (words[at + 5]! + i * words[at + 7]! + Math.floor(low / TWO32)) >>> 0;
      }
    }
    return true;
  }

  /** Joins neighbours with one history; `cut` are the entries where one may begin. */
  #join(cut: Uint8Array, level: number, span: number, decoder: Decoder, collapse: boolean): void {
    const high = this.#high;
    let start = UNWRITTEN;
    for (let first = this.#low; first < high; ) {
      let end = first + 1;
      while (end < high && cut[end] === 0) end++;
      if (this.write[first] === UNWRITTEN) start = UNWRITTEN;
      else {
        const isApart = start === UNWRITTEN || !collapse || cut[first] === EDGE;
        if (isApart || !this.#continues(start, first, level, span, decoder)) start = first;
        // Nearly all are one entry, for which a call costs more than to store it.
        for (let i = first; i < end; i++) {
          this.#first[i] = start;
          this.#count[i] = 0;
        }
        this.#count[start] = end - start;
      }
      first = end;
    }
  }

  /** True iff entry `b` is written what `a` is, with the frames that many entries further on. */
  #continues(a: number, b: number, level: number, span: number, decoder: Decoder): boolean {
    const { lo, hi, write, how } = this;
    const log = this.#log;
    if (log.stretch(write[a]!) !== log.stretch(write[b]!) || how[a] !== how[b] || how[a] === EXCHANGED)
      return false;
    // Nearly all are told apart by their frames.
    if (lo[a] === lo[b] && hi[a] === hi[b]) return decoder.kind(level, lo[a]!, hi[a]!) === ABSENT;
    if (!goesOn(lo[a]!, hi[a]!, lo[b]!, hi[b]!, (b - a) * span, decoder)) return false;
    return (
      decoder.isDirty(lo[a]!, hi[a]!) === decoder.isDirty(lo[b]!, hi[b]!) &&
      decoder.kind(level, lo[a]!, hi[a]!) === LEAF &&
      decoder.kind(level, lo[b]!, hi[b]!) === LEAF
    );
  }
}

/** True iff enough entries may have a history of their own. */
function isScattered(words: Uint32Array, log: TableLog, entries: number): boolean {
  let own = log.writes;
  for (let k = 0; k < log.writes && own < entries * SCATTERED; k++) {
    const at = log.record(k);
    if ((words[at]! & 0xff) === OP.gather) own += words[at + 3]! >>> 16;
  }
  return own >= entries * SCATTERED;
}

/** True iff no step writes more than one entry: there are no runs that cells could say at once. */
function isOfSingleEntries(log: TableLog): boolean {
  for (let k = 0; k < log.writes; k++) if (log.count(k) !== 1) return false;
  return true;
}
