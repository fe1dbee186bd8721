import type { Pfn } from "../units/index.ts";

/** What tables hold, entry by entry. */
export type TableContents = Pick<
  ReadonlyMap<Pfn, BigUint64Array>,
  "get" | "has" | "keys" | typeof Symbol.iterator
>;

/** Stands for what a page holds that was a table and was given back: nothing. */
export const FREED = new BigUint64Array(0);

/**
 * What tables hold in front of one call of a row. What that call and those behind it overwrite is kept here, all else is read where the
 * newest call reads it: a call costs the tables that it writes, not those that there are.
 */
export class CallContents implements TableContents {
  readonly #newest: ReadonlyMap<Pfn, BigUint64Array>;
  /** What was overwritten; undefined for a table that there was not. */
  readonly #kept = new Map<Pfn, BigUint64Array | undefined>();
  /** In front of the next call, or of a later one whose predecessors have left here what they keep; null for the newest. */
  #next: CallContents | null = null;
  /** Which call it is. */
  readonly number: number;

  /** `newest`: what there is now, and later on. */
  constructor(newest: ReadonlyMap<Pfn, BigUint64Array>, number = 0) {
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
    const content = this.#at(table);
    return content === FREED ? undefined : content;
  }
  /** True iff the page was given back by an earlier call, and holds no table since. */
  isFreed(table: Pfn): boolean {
    return this.#at(table) === FREED;
  }
  /** All such pages. */
  freed(): Pfn[] {
    const pages = new Set([...this.#newest.keys(), ...this.changed()]);
    return [...pages].filter((page) => this.isFreed(page));
  }

  #at(table: Pfn): BigUint64Array | undefined {
    this.#catchUp();
    if (this.#kept.has(table)) return this.#kept.get(table);
    if (this.#next?.isKept(table)) return this.#next.#kept.get(table);
    return this.#newest.get(table);
  }
  has(table: Pfn): boolean {
    return this.get(table) !== undefined;
  }

  *keys(): MapIterator<Pfn> {
    for (const [table] of this) yield table;
  }
  *[Symbol.iterator](): MapIterator<[Pfn, BigUint64Array]> {
    for (const table of this.#newest.keys()) {
      const content = this.get(table);
      if (content !== undefined) yield [table, content];
    }
    for (const table of this.changed()) {
      const content = this.#newest.has(table) ? undefined : this.get(table);
      if (content !== undefined) yield [table, content];
    }
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
