import type { Pfn } from "../units/index.ts";
import { FreshTables } from "./fresh-tables.ts";
import { type EntryVisit, eachOfWhole, findWhole, type GivenTables, type TablePart } from "./given-tables.ts";

/** Stands for what a page holds that was a table and was given back: nothing. */
export const FREED = new BigUint64Array(0);

/** What tables hold now: as the lines of a file say until they are written, and from then on as a whole. */
export class TableStore {
  readonly #given: GivenTables;
  readonly #own = new Map<Pfn, BigUint64Array>();
  readonly #fresh = new FreshTables();

  constructor(given: GivenTables) {
    this.#given = given;
  }

  /** A new table that holds nothing, to be written before it is set. */
  fresh(): BigUint64Array {
    return this.#fresh.take();
  }
  set(table: Pfn, content: BigUint64Array): void {
    this.#own.set(table, content);
  }

  /** All that a page holds, `FREED` where it was given back; undefined where it never was a table. */
  get(table: Pfn): BigUint64Array | undefined {
    let content = this.#own.get(table);
    if (content === undefined && this.#given.has(table)) {
      this.#given.copyTo((content = this.fresh()), table);
      this.#own.set(table, content);
    }
    return content;
  }
  isFreed(table: Pfn): boolean {
    return this.#own.get(table) === FREED;
  }
  /** True iff it is a table, or was one. */
  has(table: Pfn): boolean {
    return this.#own.has(table) || this.#given.has(table);
  }
  entry(table: Pfn, index: number): bigint {
    const own = this.#own.get(table);
    return own === undefined ? this.#given.entry(table, index) : (own[index] ?? 0n);
  }
  find(table: Pfn, part: TablePart): void {
    const own = this.#own.get(table);
    if (own === undefined) this.#given.find(table, part);
    else findWhole(own, part);
  }
  each(table: Pfn, visit: EntryVisit): void {
    const own = this.#own.get(table);
    if (own === undefined) this.#given.each(table, visit);
    else eachOfWhole(own, visit);
  }
  *keys(): Generator<Pfn> {
    yield* this.#given.keys();
    for (const table of this.#own.keys()) if (!this.#given.has(table)) yield table;
  }
}
