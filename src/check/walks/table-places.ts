import { type Decoder, TABLE } from "../entries/entry-kind.ts";
import { EntryReader } from "../entries/entry-reader.ts";
import { RecentWrites } from "../entries/entry-writes.ts";
import type { Geometry } from "../entries/geometry.ts";
import { LastEntries } from "../entries/last-entries.ts";
import type { TablesBefore } from "../input.ts";
import { NEVER } from "../script/positions.ts";
import type { ScriptLog } from "../script/script-log.ts";
import type { TableLog } from "../script/table-log.ts";
import type { HeldTable } from "./held-table.ts";
import type { RootVersion } from "./roots.ts";
import type { Place } from "./slot.ts";

const R_W = 3;
/** Since when a table hangs where it does, and whether it had hung there before. */
export type Hanging = Pick<HeldTable, "linkedSince" | "isBack">;
const AT_ALL_TIMES = { linkedSince: 0, isBack: false } as const;

/** What entries hold, read one at a time. */
interface Entries {
  readonly lo: number;
  readonly hi: number;
  read(table: number, index: number): void;
}

/**
 * Which tables have the same place below another root, or another table: the way to a table does not say then whether it was there before,
 * since when it has been, and is there in the end.
 */
export class TablePlaces {
  readonly #log: ScriptLog;
  readonly #decoder: Decoder;
  readonly #geometry: Geometry;
  readonly #roots: readonly RootVersion[];
  readonly #first: RootVersion;
  readonly #last: RootVersion;
  readonly #isOnlyRoot: boolean;
  readonly #before: Entries;
  readonly #after: LastEntries;
  readonly #writes: RecentWrites;

  /** `roots`: all that the address space has in turn. */
  constructor(
    log: ScriptLog,
    tables: TablesBefore,
    decoder: Decoder,
    geometry: Geometry,
    roots: readonly RootVersion[],
  ) {
    this.#log = log;
    this.#decoder = decoder;
    this.#geometry = geometry;
    this.#roots = roots;
    this.#first = roots[0]!;
    this.#last = roots[roots.length - 1]!;
    this.#isOnlyRoot = roots.length === 1;
    const reader = new EntryReader(tables);
    this.#before = {
      read: (table, index) => reader.read(table, null, index),
      get lo() {
        return reader.lo;
      },
      get hi() {
        return reader.hi;
      },
    };
    this.#after = new LastEntries(log, tables, decoder, geometry);
    this.#writes = new RecentWrites(log.words, geometry.entries);
  }

  /** True iff the table, in this life of it, stood in the same place before the script, with all rights on the way to it. */
  stoodBefore(table: number, life: TableLog | null, level: number, page: number): boolean {
    if (this.#isOnlyRoot || (life?.life ?? 0) > 0) return false;
    return this.#isThere(this.#before, this.#first, table, level, page, R_W);
  }

  /**
   * Since when a table, in this life of it, hangs in its place when it is linked there at a step: since then where it did not hang there
   * before the script, with whatever rights; since it came back where something was written while it was away.
   */
  #hangingSince(table: number, life: TableLog | null, level: number, page: number, at: number): Hanging {
    const isNew =
      (life?.life ?? 0) > 0 || !this.#isThere(this.#before, this.#first, table, level, page, null);
    if (isNew) return { linkedSince: at, isBack: false };
    const isRoot = level === this.#first.levels - 1;
    const since = isRoot ? this.#backAt(this.#first.until, at) : this.#linkedSince(level, page, at);
    return since === 0 ? AT_ALL_TIMES : { linkedSince: since, isBack: true };
  }

  /** The step of a link, where something was written since a table was taken away; 0 where it counts as never away. */
  #backAt(left: number, at: number): number {
    return left < at && this.#log.writesBetween(left, at) ? at : 0;
  }

  /** The same for the place where walks from the first root found it, as long as there were any. */
  #linkedSince(level: number, page: number, at: number): number {
    const { levels, until } = this.#first;
    let since = 0;
    let table = this.#first.table;
    for (let above = levels - 1; above > level; above--) {
      const index = Math.floor(page / this.#geometry.span(above)) % this.#geometry.entries;
      this.#before.read(table, index);
      const child = this.#decoder.frame(this.#before.lo, this.#before.hi);
      const log = this.#log.logAt(table, 0);
      let left = NEVER;
      for (const { step, lo, hi } of log?.isWritten ? this.#writes.of(log).at(index) : []) {
        if (step >= at || step >= until) break;
        const isChild = this.#decoder.kind(above, lo, hi) === TABLE && this.#decoder.frame(lo, hi) === child;
        if (isChild) since = Math.max(since, this.#backAt(left, step));
        left = isChild ? NEVER : Math.min(left, step);
      }
      since = Math.max(since, this.#backAt(left, at));
      table = child;
    }
    return since;
  }

  /**
   * Since when a table hangs below an entry that leads to it from `step` on, where walks begin with a root: below another table it may have
   * hung before. `isAgain`: it hung below this entry before, and was away while something was written.
   */
  hanging(
    root: RootVersion,
    { state, level, start }: Place,
    table: number,
    life: TableLog | null,
    step: number,
    isAgain: boolean,
  ): Hanging {
    const linkedSince = Math.max(state.linkedSince, step);
    if (linkedSince === 0) return AT_ALL_TIMES;
    if (!isAgain && !state.isBack) return this.#hangingSince(table, life, level - 1, start, linkedSince);
    // What hangs below a root that comes back may have hung below others meanwhile.
    const isBelowRoot = state.table === root.table && level === root.levels - 1 && step < root.step;
    const hung = !isAgain && isBelowRoot && this.#hungMeanwhile(root, table, level - 1, start);
    return hung ? AT_ALL_TIMES : { linkedSince, isBack: true };
  }

  /** The same of the table that a context entry leads to. */
  root({ table, levels, step }: RootVersion, life: TableLog | null): Hanging {
    return this.#hangingSince(table, life, levels - 1, 0, step);
  }

  /** True iff a table hung in its place below all roots that there were between the first and one that is the same table. */
  #hungMeanwhile({ step }: RootVersion, table: number, level: number, page: number): boolean {
    const hung = (entries: Entries, root: RootVersion): boolean =>
      this.#isThere(entries, root, table, level, page, null);
    return this.#roots.every(
      (own) => own.step === 0 || own.step >= step || hung(this.#before, own) || hung(this.#after, own),
    );
  }

  /** True iff the final tables have the table, in this life of it, in its place for a page as well, with these rights and under a tag. */
  standsAtLast(
    tag: number,
    table: number,
    life: TableLog | null,
    level: number,
    page: number,
    rights: number,
  ): boolean {
    if (this.#isOnlyRoot || this.#last.tag !== tag) return false;
    if (this.#log.logAt(table, this.#log.steps) !== life) return false;
    return this.#isThere(this.#after, this.#last, table, level, page, rights);
  }

  #isThere(
    entries: Entries,
    root: RootVersion,
    table: number,
    level: number,
    page: number,
    rights: number | null,
  ): boolean {
    const { entries: count } = this.#geometry;
    let at = root.table;
    let left = R_W;
    for (let above = root.levels - 1; above > level; above--) {
      entries.read(at, Math.floor(page / this.#geometry.span(above)) % count);
      const { lo, hi } = entries;
      if (this.#decoder.kind(above, lo, hi) !== TABLE) return false;
      at = this.#decoder.frame(lo, hi);
      left &= this.#decoder.rights(lo, hi);
    }
    return at === table && (rights === null || left === rights) && level < root.levels;
  }
}
