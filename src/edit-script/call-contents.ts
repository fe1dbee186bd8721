import type { Pfn } from "../units/index.ts";
import { type EntryVisit, eachOfWhole, findWhole, type TablePart } from "./given-tables.ts";
import { FREED, type TableStore } from "./table-store.ts";

/**
 * What tables hold in front of one call of a row. What that call and those behind it overwrite is kept here, all else is read where the
 * newest call reads it: a call costs the tables that it writes, not those that there are.
 */
export class CallContents {
  readonly #newest: TableStore;
  /** What was overwritten; undefined for a table that there was not. */
  readonly #kept = new Map<Pfn, BigUint64Array | undefined>();
  /** In front of the next call, or of a later one whose predecessors have left here what they keep; null for the newest. */
  #next: CallContents | null = null;
  /** Which call it is. */
  readonly number: number;

  /** `newest`: what there is now, and later on. */
  constructor(newest: TableStore, number = 0) {
    this.#newest = newest;
    this.number = number;
  }

  /** Keeps what a table holds, before it is written for the first time since the call began. Pre: it is the newest. */
  keep(table: Pfn): void {
    if (!this.#kept.has(table)) this.#kept.set(table, this.#newest.get(table));
  }
  isKept(table: Pfn): boolean {
    return this.#kept.has(table);
  }

  /** Goes on to the next call. Pre: it is the newest. */
  after(): CallContents {
    return (this.#next = new CallContents(this.#newest, this.number + 1));
  }

  get(table: Pfn): BigUint64Array | undefined {
    const keeper = this.#keeperOf(table);
    const content = keeper === null ? this.#newest.get(table) : keeper.#kept.get(table);
    return content === FREED ? undefined : content;
  }
  /** True iff the page was given back by an earlier call, and holds no table since. */
  isFreed(table: Pfn): boolean {
    const keeper = this.#keeperOf(table);
    return keeper === null ? this.#newest.isFreed(table) : keeper.#kept.get(table) === FREED;
  }
  /** All such pages. */
  freed(): Pfn[] {
    const pages = new Set([...this.#newest.keys(), ...this.changed()]);
    return [...pages].filter((page) => this.isFreed(page));
  }
  has(table: Pfn): boolean {
    const keeper = this.#keeperOf(table);
    if (keeper === null) return this.#newest.has(table) && !this.#newest.isFreed(table);
    const kept = keeper.#kept.get(table);
    return kept !== undefined && kept !== FREED;
  }

  /** One entry; 0 where the page holds no table. */
  entry(table: Pfn, index: number): bigint {
    const keeper = this.#keeperOf(table);
    return keeper === null ? this.#newest.entry(table, index) : (keeper.#kept.get(table)?.[index] ?? 0n);
  }
  /** Finds the entries of a table; none where the page holds none. */
  find(table: Pfn, part: TablePart): void {
    const keeper = this.#keeperOf(table);
    if (keeper === null) this.#newest.find(table, part);
    else findWhole(keeper.#kept.get(table), part);
  }
  each(table: Pfn, visit: EntryVisit): void {
    const keeper = this.#keeperOf(table);
    if (keeper === null) this.#newest.each(table, visit);
    else eachOfWhole(keeper.#kept.get(table), visit);
  }

  /** Who keeps what the table holds in front of this call; null where it is what it holds now. */
  #keeperOf(table: Pfn): CallContents | null {
    this.#catchUp();
    if (this.#kept.has(table)) return this;
    return this.#next?.isKept(table) ? this.#next : null;
  }

  /** The tables there are. */
  *keys(): Generator<Pfn> {
    for (const table of this.#newest.keys()) if (this.has(table)) yield table;
    for (const table of this.changed()) if (!this.#newest.has(table) && this.has(table)) yield table;
  }

  /** Tables that this call or a later one has written. */
  changed(): Set<Pfn> {
    this.#catchUp();
    const next = this.#next === null ? [] : this.#next.#kept.keys();
    return new Set([...this.#kept.keys(), ...next]);
  }

  /** Takes over what all calls keep that are over. */
  #catchUp(): void {
    for (let next = this.#next; next !== null && next.#next !== null; next = this.#next = next.#next)
      for (const [table, content] of next.#kept) if (!this.#kept.has(table)) this.#kept.set(table, content);
  }
}
