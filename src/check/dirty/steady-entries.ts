import { OP, RECORD_WORDS } from "../../edit-script/index.ts";
import { WRITE } from "../../units/index.ts";
import { LEAF } from "../entries/entry-kind.ts";
import { NEVER } from "../script/positions.ts";
import type { EntrySpans, TableLog } from "../script/table-log.ts";
import { beforeWords, type HistorySource } from "./dirty-versions.ts";
import type { LeafTable } from "./leaf-table.ts";
import type { NearInvalidations } from "./near-invalidations.ts";
import type { Slot } from "./table-node.ts";

/** Something set in the entry can get lost, or is taken: only its history tells. */
export const OPEN = 0;
/** What is set in a leaf is carried along to the end, or is taken in time; or there never is a leaf. */
export const STEADY = 1;
/** What translates in the end is a leaf with D = 1, whatever devices do and whatever became of other entries. */
export const ENDS_DIRTY = 2;

/** True iff every leaf stays in its entry to the end, with what is set in it carried along. */
export function isSteady(slots: readonly Slot[]): boolean {
  for (const { node, versions } of slots)
    for (let k = 0; k < versions.length; k++) {
      const { kind, end } = versions[k]!;
      if (kind !== LEAF) continue;
      if (!node.isFinal || node.freedAt !== NEVER) return false;
      if (end !== "never" && (end !== "exchange" || versions[k + 1]!.kind !== LEAF)) return false;
    }
  return true;
}

const TWO32 = 0x1_0000_0000;

/** Nobody has looked yet. */
const UNREAD = 0xff;

/** A table that alone leads to its pages, and what reaches these. */
interface OnlyTable extends LeafTable {
  readonly near: NearInvalidations;
}

/**
 * What can be said of each entry of a table of the lowest level without making its history: `OPEN`, `STEADY` or
 * `ENDS_DIRTY`. `stays`: the tables lead to it in the end, and it is not freed. `only`: the same table, where no other leads there;
 * of others nobody knows how long copies of a leaf are written through.
 */
export function steadyEntries(
  source: HistorySource,
  table: number,
  log: TableLog | null,
  stays: boolean,
  only: OnlyTable | null,
): Uint8Array {
  const entries = new Entries(source, beforeWords(source, table, log), stays, only);
  if (log === null) return entries.said();
  const { collects } = log;
  let next = 0;
  for (let k = 0; k < log.writes; k++) {
    const step = log.step(k);
    for (; next < collects.length && collects.step(next) < step; next++) entries.collect(collects, next);
    entries.run(log.record(k), step);
  }
  for (; next < collects.length; next++) entries.collect(collects, next);
  return entries.said();
}

/** The entries of a table as the steps go by. */
class Entries {
  readonly #source: HistorySource;
  readonly #stays: boolean;
  readonly #only: OnlyTable | null;
  /** Two words an entry. */
  readonly #held: Uint32Array;
  readonly #kinds: Uint8Array;
  readonly #isDirty: Uint8Array;
  readonly #said: Uint8Array;
  /** Step that overwrites the last leaf that devices could write through, of those whose bits the entry has now; 0 for none. */
  readonly #writableUntil: Int32Array;

  constructor(source: HistorySource, held: Uint32Array, stays: boolean, only: OnlyTable | null) {
    const { entries } = source.geometry;
    this.#source = source;
    this.#stays = stays;
    this.#only = only;
    this.#held = held;
    this.#kinds = new Uint8Array(entries).fill(UNREAD);
    this.#isDirty = new Uint8Array(entries);
    this.#said = new Uint8Array(entries).fill(STEADY);
    this.#writableUntil = new Int32Array(entries);
  }

  /** A step that writes. */
  run(at: number, step: number): void {
    const { words, decoder } = this.#source;
    const op = words[at]! & 0xff;
    const index = words[at + 3]! & 0xffff;
    const count = Math.min(words[at + 3]! >>> 16, this.#said.length - index);
    const lo = words[at + 4]!;
    const hi = words[at + 5]!;
    if (op === OP.exchange) {
      const held = this.#held;
      if (!decoder.differ(held[2 * index]!, held[2 * index + 1]!, words[at + 6]!, words[at + 7]!))
        this.#write(index, lo, hi, step, true);
    } else if (op === OP.gather) {
      const values = at + RECORD_WORDS;
      for (let i = 0; i < count; i++)
        this.#write(index + i, words[values + 2 * i]!, words[values + 2 * i + 1]!, step, false);
    } else
      for (let i = 0; i < count; i++) {
        const low = lo + i * words[at + 6]!;
        const high = hi + i * words[at + 7]! + Math.floor(low / TWO32);
        this.#write(index + i, low >>> 0, high >>> 0, step, false);
      }
  }

  /** The collect at a position. */
  collect(collects: EntrySpans, position: number): void {
    const step = collects.step(position);
    const index = collects.index(position);
    const end = Math.min(this.#said.length, index + collects.count(position));
    for (let i = index; i < end; i++) {
      if (this.#kindOf(i) !== LEAF) continue;
      this.#take(i, step);
      this.#isDirty[i] = 0;
    }
  }

  said(): Uint8Array {
    const said = this.#said;
    for (let i = 0; i < said.length; i++)
      if (!this.#stays) {
        if (this.#kindOf(i) === LEAF) said[i] = OPEN;
      } else if (this.#kinds[i] === LEAF && this.#isDirty[i] === 1) said[i] = ENDS_DIRTY;
    return said;
  }

  #write(index: number, lo: number, hi: number, step: number, isExchange: boolean): void {
    const { decoder } = this.#source;
    const before = this.#kindOf(index);
    const kind = decoder.kind(0, lo, hi);
    const isCarried = isExchange && kind === LEAF;
    if (before === LEAF) {
      if (!isExchange || !this.#stays) this.#said[index] = OPEN;
      else if (!isCarried) this.#take(index, step);
      else if (this.#only !== null && this.#isWritable(index)) this.#writableUntil[index] = step;
    }
    const isDirty = decoder.isDirty(lo, hi) || (isCarried && before === LEAF && this.#isDirty[index] === 1);
    this.#isDirty[index] = isDirty ? 1 : 0;
    this.#kinds[index] = kind;
    this.#held[2 * index] = lo;
    this.#held[2 * index + 1] = hi;
  }

  /** A step takes what is set in a leaf, also what was set in those before it and carried over. */
  #take(index: number, step: number): void {
    const only = this.#only;
    if (this.#said[index] === OPEN) return;
    if (only === null) {
      this.#said[index] = OPEN;
      return;
    }
    const until = this.#isWritable(index) ? step : this.#writableUntil[index]!;
    this.#writableUntil[index] = 0;
    if (until === 0) return;
    const readableUntil = this.#source.lingering.lingersUntil(only.log, index, until);
    if (!only.near.areTold(only.base + index, readableUntil, step)) this.#said[index] = OPEN;
  }

  /** True iff devices can write through the leaf that an entry holds. */
  #isWritable(index: number): boolean {
    const held = this.#held;
    const rights = this.#source.decoder.rights(held[2 * index]!, held[2 * index + 1]!);
    return (rights & this.#only!.rights & WRITE) !== 0;
  }

  #kindOf(index: number): number {
    const known = this.#kinds[index]!;
    if (known !== UNREAD) return known;
    const lo = this.#held[2 * index]!;
    const hi = this.#held[2 * index + 1]!;
    const { decoder } = this.#source;
    this.#isDirty[index] = decoder.isDirty(lo, hi) ? 1 : 0;
    return (this.#kinds[index] = decoder.kind(0, lo, hi));
  }
}
