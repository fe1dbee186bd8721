import type { Pfn } from "../units/index.ts";
import { type Decoder, TABLE } from "./entry-kind.ts";
import { highWord, lowWord } from "./entry-words.ts";

/** What is asked for one entry after the other. */
type Entries = (table: Pfn, index: number) => bigint;

/** A table above the lowest level: what its entries lead to, 0 where that is no table. */
interface Upper {
  readonly level: number;
  readonly children: Float64Array;
}

/**
 * How many entries lead to each table. A table that hangs in two places changes both with one store, and a script says nothing of the
 * second: whoever follows scripts one after the other keeps count, so that no call has to look through all tables.
 */
export class TablePlaces {
  readonly #decoder: Decoder;
  readonly #entries: number;
  readonly #uppers = new Map<number, Upper>();
  readonly #links = new Map<number, number>();

  /** `entries`: how many a table has. */
  constructor(decoder: Decoder, entries: number) {
    this.#decoder = decoder;
    this.#entries = entries;
  }

  isShared(table: number): boolean {
    return (this.#links.get(table) ?? 0) > 1;
  }

  /** Counts all that hangs below a root. */
  addRoot(root: Pfn, levels: number, entry: Entries): void {
    this.#add(root, levels - 1, entry);
  }

  /** Tables were written, and hold this now; those that are reached through them are looked at as well. */
  renew(tables: Iterable<number>, entry: Entries): void {
    for (const table of tables) {
      const upper = this.#uppers.get(table);
      if (upper !== undefined) this.#read(table, upper, entry);
    }
  }

  #add(table: number, level: number, entry: Entries): void {
    if (level === 0 || this.#uppers.has(table)) return;
    const upper: Upper = { level, children: new Float64Array(this.#entries) };
    this.#uppers.set(table, upper);
    this.#read(table, upper, entry);
  }

  #read(table: number, { level, children }: Upper, entry: Entries): void {
    for (let index = 0; index < this.#entries; index++) {
      const value = entry(table as Pfn, index);
      const [lo, hi] = [lowWord(value), highWord(value)];
      const child = this.#decoder.kind(level, lo, hi) === TABLE ? this.#decoder.frame(lo, hi) : 0;
      const before = children[index]!;
      if (child === before) continue;
      children[index] = child;
      if (before > 0) this.#unlink(before);
      if (child > 0) this.#link(child, level - 1, entry);
    }
  }

  #link(table: number, level: number, entry: Entries): void {
    const links = (this.#links.get(table) ?? 0) + 1;
    this.#links.set(table, links);
    this.#add(table, level, entry);
  }

  #unlink(table: number): void {
    const links = this.#links.get(table)! - 1;
    if (links > 0) {
      this.#links.set(table, links);
      return;
    }
    this.#links.delete(table);
    const upper = this.#uppers.get(table);
    if (upper === undefined) return;
    this.#uppers.delete(table);
    for (const child of upper.children) if (child > 0) this.#unlink(child);
  }
}
