import { OP, RECORD_WORDS } from "../../edit-script/index.ts";
import { LEAF } from "../entries/entry-kind.ts";
import { NEVER } from "../script/positions.ts";
import type { TableLog } from "../script/table-log.ts";
import { beforeWords, type HistorySource } from "./dirty-versions.ts";

/** By what a version ends: as `VersionEnd` says it. */
const NOT = 0;
const PLAIN = 1;
const EXCHANGE = 2;
const COLLECT = 3;

/** What becomes of a D bit that is set in a version: as `Fate` says it, of a table that stays. */
export const KNOWN = 0;
export const TAKEN = 1;
export const OVERWRITTEN = 2;

/** No version. */
export const NONE = -1;

/** Words of a version, and where each stands. */
const LO = 0;
const HI = 1;
const STEP = 2;
const UNTIL = 3;
const READABLE_UNTIL = 4;
const NEXT = 5;
/** Kind, how it ends, whether D is 1 from its first step on, and the fate. */
const FLAGS = 6;
const FATE_STEP = 7;
/** That of the write that made it, or of a collect what no write has. */
const STRETCH = 8;
const WORDS = 9;

const KIND_BITS = 3;
const END_SHIFT = 2;
const DIRTY = 1 << 4;
const FATE_SHIFT = 5;

const TWO32 = 0x1_0000_0000;
/** A table of which a smaller share may have a history of its own costs less entry by entry. */
const SCATTERED = 1 / 32;
/** Versions that there is room for at first, for each entry. */
const FIRST_ROOM = 4;

/**
 * The versions of all entries of one table of smallest leaves that stays where it is, a row of numbers each: a script that goes
 * page by page gives each entry a history of its own, and objects for each cost more than to decide what becomes of it.
 *
 * Version i is the first one of entry i; the others follow in the order of their steps.
 */
export class LeafColumns {
  readonly #source: HistorySource;
  #rows: Int32Array;
  #length = 0;
  /** By entry, the version that it has last. */
  readonly #last: Int32Array;
  #log!: TableLog;

  /** For one table after the other. */
  constructor(source: HistorySource) {
    const { entries } = source.geometry;
    this.#source = source;
    this.#rows = new Int32Array(FIRST_ROOM * entries * WORDS);
    this.#last = new Int32Array(entries);
  }

  /** True iff rows cost less than histories that neighbours share, by what is done to a table. */
  static fits({ words, geometry }: HistorySource, log: TableLog): boolean {
    const enough = geometry.entries * SCATTERED;
    let own = log.writes + log.collects.length;
    for (let k = 0; k < log.writes && own < enough; k++) {
      const at = log.record(k);
      if ((words[at]! & 0xff) === OP.gather) own += words[at + 3]! >>> 16;
    }
    return own >= enough;
  }

  /** Fills the rows anew, with all that a script does to a table in its first life. */
  fill(table: number, log: TableLog): void {
    const { decoder, geometry } = this.#source;
    const held = beforeWords(this.#source, table, log);
    this.#log = log;
    this.#length = 0;
    for (let i = 0; i < geometry.entries; i++) {
      const [lo, hi] = [held[2 * i]!, held[2 * i + 1]!];
      this.#add(i, lo, hi, 0, decoder.kind(0, lo, hi), decoder.isDirty(lo, hi), NONE, 0);
    }
    const { collects } = log;
    let next = 0;
    for (let k = 0; k < log.writes; k++) {
      const step = log.step(k);
      for (; next < collects.length && collects.step(next) < step; next++) this.#collect(next);
      this.#write(log.record(k), step, log.stretch(k));
    }
    for (; next < collects.length; next++) this.#collect(next);
    // What becomes of a bit follows from what becomes of it in the version behind.
    for (let version = this.#length - 1; version >= 0; version--) this.#setFate(version);
  }

  /**
   * True iff an entry may share its history with a neighbour: both say the same of frames that continue each other, and what is done
   * to one first may be done to the other in the same go.
   */
  isJoined(index: number): boolean {
    if (!this.#source.collapse) return false;
    return (
      (index > 0 && this.#joins(index - 1)) ||
      (index + 1 < this.#source.geometry.entries && this.#joins(index))
    );
  }

  #joins(index: number): boolean {
    const { decoder } = this.#source;
    const other = index + 1;
    const by = decoder.frame(this.lo(other), this.hi(other)) - decoder.frame(this.lo(index), this.hi(index));
    if (by !== 1 && by !== 0) return false;
    const [next, otherNext] = [this.next(index), this.next(other)];
    if (next === NONE || otherNext === NONE) return next === otherNext;
    const end = this.#endOf(index);
    const rows = this.#rows;
    return (
      end === this.#endOf(other) &&
      end !== EXCHANGE &&
      rows[next * WORDS + STRETCH] === rows[otherNext * WORDS + STRETCH]
    );
  }

  lo(version: number): number {
    return this.#rows[version * WORDS + LO]! >>> 0;
  }
  hi(version: number): number {
    return this.#rows[version * WORDS + HI]! >>> 0;
  }
  /** Positions [step, until) in memory, [step, readableUntil) for walkers. The latter of leaves only. */
  step(version: number): number {
    return this.#rows[version * WORDS + STEP]!;
  }
  until(version: number): number {
    return this.#rows[version * WORDS + UNTIL]!;
  }
  readableUntil(version: number): number {
    return this.#rows[version * WORDS + READABLE_UNTIL]!;
  }
  /** The version of the same entry behind one, or `NONE`. */
  next(version: number): number {
    return this.#rows[version * WORDS + NEXT]!;
  }
  isLeaf(version: number): boolean {
    return (this.#rows[version * WORDS + FLAGS]! & KIND_BITS) === LEAF;
  }
  /** True iff it is a leaf with D = 1 from its first step on, whatever devices do: it was written so, or an exchange carried it over. */
  isDirty(version: number): boolean {
    return (this.#rows[version * WORDS + FLAGS]! & DIRTY) !== 0;
  }
  /** `KNOWN`, `TAKEN` or `OVERWRITTEN`, and the step that decides it. */
  fate(version: number): number {
    return this.#rows[version * WORDS + FLAGS]! >> FATE_SHIFT;
  }
  fateStep(version: number): number {
    return this.#rows[version * WORDS + FATE_STEP]!;
  }

  #endOf(version: number): number {
    return (this.#rows[version * WORDS + FLAGS]! >> END_SHIFT) & 3;
  }

  #write(at: number, step: number, stretch: number): void {
    const { words, decoder, geometry } = this.#source;
    const op = words[at]! & 0xff;
    const index = words[at + 3]! & 0xffff;
    const count = Math.min(words[at + 3]! >>> 16, geometry.entries - index);
    const lo = words[at + 4]!;
    const hi = words[at + 5]!;
    if (op === OP.exchange) {
      const last = this.#last[index]!;
      if (!decoder.differ(this.lo(last), this.hi(last), words[at + 6]!, words[at + 7]!))
        this.#put(index, lo, hi, step, EXCHANGE, stretch);
    } else if (op === OP.gather) {
      const values = at + RECORD_WORDS;
      for (let i = 0; i < count; i++)
        this.#put(index + i, words[values + 2 * i]!, words[values + 2 * i + 1]!, step, PLAIN, stretch);
    } else
      for (let i = 0; i < count; i++) {
        const low = lo + i * words[at + 6]!;
        const high = hi + i * words[at + 7]! + Math.floor(low / TWO32);
        this.#put(index + i, low >>> 0, high >>> 0, step, PLAIN, stretch);
      }
  }

  #put(index: number, lo: number, hi: number, step: number, end: number, stretch: number): void {
    const { decoder } = this.#source;
    const before = this.#last[index]!;
    const isDirty = decoder.isDirty(lo, hi) || (end === EXCHANGE && this.isDirty(before));
    this.#finish(index, before, step, end);
    this.#add(index, lo, hi, step, decoder.kind(0, lo, hi), isDirty, before, stretch);
  }

  #collect(position: number): void {
    const { collects } = this.#log;
    const step = collects.step(position);
    const index = collects.index(position);
    const end = Math.min(this.#source.geometry.entries, index + collects.count(position));
    for (let i = index; i < end; i++) {
      const before = this.#last[i]!;
      if (!this.isLeaf(before)) continue;
      this.#finish(i, before, step, COLLECT);
      this.#add(i, this.lo(before), this.hi(before), step, LEAF, false, before, -step);
    }
  }

  #finish(index: number, version: number, step: number, end: number): void {
    const rows = this.#rows;
    const at = version * WORDS;
    rows[at + UNTIL] = step;
    rows[at + FLAGS]! |= end << END_SHIFT;
    if (this.isLeaf(version))
      rows[at + READABLE_UNTIL] = this.#source.lingering.lingersUntil(this.#log, index, step);
  }

  #add(
    index: number,
    lo: number,
    hi: number,
    step: number,
    kind: number,
    isDirty: boolean,
    before: number,
    stretch: number,
  ): void {
    const version = this.#length++;
    const at = version * WORDS;
    if (at === this.#rows.length) {
      const grown = new Int32Array(2 * at);
      grown.set(this.#rows);
      this.#rows = grown;
    }
    const rows = this.#rows;
    rows[at + LO] = lo;
    rows[at + HI] = hi;
    rows[at + STEP] = step;
    rows[at + UNTIL] = NEVER;
    rows[at + READABLE_UNTIL] = NEVER;
    rows[at + NEXT] = NONE;
    rows[at + FLAGS] = kind | (NOT << END_SHIFT) | (isDirty && kind === LEAF ? DIRTY : 0);
    rows[at + STRETCH] = stretch;
    if (before !== NONE) rows[before * WORDS + NEXT] = version;
    this.#last[index] = version;
  }

  /** Pre: the fate of the version behind it is set. */
  #setFate(version: number): void {
    const rows = this.#rows;
    const at = version * WORDS;
    const end = this.#endOf(version);
    const next = rows[at + NEXT]!;
    let fate = KNOWN;
    let step = NEVER;
    if (end !== NOT) {
      const isLeaf = this.isLeaf(next);
      if (end !== COLLECT && isLeaf && (end === EXCHANGE || this.isDirty(next))) {
        fate = this.fate(next);
        step = this.fateStep(next);
      } else {
        fate = end === PLAIN ? OVERWRITTEN : TAKEN;
        step = rows[at + UNTIL]!;
      }
    }
    rows[at + FLAGS]! |= fate << FATE_SHIFT;
    rows[at + FATE_STEP] = step;
  }
}
