import { WRITE } from "../../units/index.ts";
import type { Decoder } from "../entries/entry-kind.ts";
import type { TablesBefore } from "../input.ts";
import type { Coverage } from "../walks/coverage.ts";
import type { HistorySource } from "./dirty-versions.ts";
import { KNOWN, LeafColumns, NONE, OVERWRITTEN, TAKEN } from "./leaf-columns.ts";
import type { LeafTable } from "./leaf-table.ts";
import type { NearInvalidations } from "./near-invalidations.ts";
import type { Loss } from "./search.ts";

/**
 * Finds lost writes page by page in the one table that ever led to the pages, through entries that nobody writes: what `Search`
 * finds by the entries that a page's walks can come to, for pages with only one of which there is anything to know.
 */
export class LeafLosses {
  readonly #columns: LeafColumns;
  readonly #decoder: Decoder;
  readonly #tables: TablesBefore;
  /** Position at which the call that ran a step has returned. */
  readonly #callEnd: (step: number) => number;
  readonly #near: NearInvalidations;
  readonly #coverageOf: (page: number) => Coverage;
  /** The table that the columns are filled with. */
  #leaves: LeafTable | null = null;
  /** The page at hand. */
  #page = 0;
  #isInStrong = false;

  constructor(
    source: HistorySource,
    near: NearInvalidations,
    callEnd: (step: number) => number,
    coverageOf: (page: number) => Coverage,
  ) {
    this.#columns = new LeafColumns(source);
    this.#decoder = source.decoder;
    this.#tables = source.tables;
    this.#near = near;
    this.#callEnd = callEnd;
    this.#coverageOf = coverageOf;
  }

  /** Goes on to another table, whose pages are asked for in a row. */
  enter(leaves: LeafTable): void {
    this.#columns.fill(leaves.table, leaves.log);
    this.#leaves = leaves;
  }

  /** True iff the entry of a page has a history of its own: what it shares is decided once, by `Search`. */
  isAlone(page: number): boolean {
    return !this.#columns.isJoined(page - this.#leaves!.base);
  }

  /** What is lost on a page, which translates to `frame` before and after. Pre: it is alone. */
  at(page: number, frame: number): Loss | null {
    const columns = this.#columns;
    const index = page - this.#leaves!.base;
    if (!this.#isOpen(index, frame)) return null;
    this.#page = page;
    const version = this.#lostIn(index, frame);
    if (version === NONE) return null;
    return {
      // First, unlike in `search.ts`: with the same fields in the same order V8 gives both one shape, whose types it has to widen and
      // every object to convert.
      write: null,
      table: this.#leaves!.table,
      index,
      level: 0,
      step: columns.step(version),
      until: columns.until(version),
      what: columns.fate(version) === TAKEN ? "taken" : "overwritten",
      from: columns.fateStep(version),
      stretch: this.#stretchOf(page, columns.until(version)),
      isInStrong: this.#isInStrong,
    };
  }

  /** `step`: one that overwrites the page's leaf. */
  #stretchOf(page: number, step: number): number {
    return this.#near.isOfPage(page, step) ? page : this.#coverageOf(page).start;
  }

  /** True iff something may be lost in an entry. */
  #isOpen(index: number, frame: number): boolean {
    const columns = this.#columns;
    let isOpen = false;
    for (let version = index; version !== NONE; version = columns.next(version)) {
      if (!columns.isLeaf(version)) continue;
      if (columns.fate(version) !== KNOWN) isOpen ||= this.#frame(version) === frame;
      else if (columns.isDirty(version)) return false;
    }
    return isOpen;
  }

  #lostIn(index: number, frame: number): number {
    const columns = this.#columns;
    const told = this.#toldOf(index);
    let taken = NONE;
    this.#isInStrong = false;
    for (let version = index; version !== NONE; version = columns.next(version)) {
      if (!columns.isLeaf(version) || this.#frame(version) !== frame) continue;
      const fate = columns.fate(version);
      if (fate === KNOWN || (fate === TAKEN && taken !== NONE)) continue;
      const until = fate === TAKEN ? Math.max(told, this.#callEnd(columns.fateStep(version))) : told;
      const isLost = this.#isWritten(version, until) || (until < 0 && this.#wasDirty(index, version));
      if (!isLost) continue;
      // All that hangs on memory order is until when it can be read.
      this.#isInStrong ||= until < 0;
      // A bit that is overwritten says most about its cause.
      if (fate === OVERWRITTEN) return version;
      taken = version;
    }
    return taken;
  }

  /** Whatever is written until here has been told of: a bit that is set anyhow was taken; -1 where none was. */
  #toldOf(index: number): number {
    const columns = this.#columns;
    let told = -1;
    for (let version = index; version !== NONE; version = columns.next(version))
      if (columns.isDirty(version) && columns.fate(version) === TAKEN)
        told = Math.max(told, this.#callEnd(columns.fateStep(version)));
    return told;
  }

  /** True iff it is the leaf before the script, and says that its page was written, or may say so. */
  #wasDirty(index: number, version: number): boolean {
    return version === index && (this.#columns.isDirty(version) || this.#mayBeDirty(index));
  }

  #mayBeDirty(index: number): boolean {
    const table = this.#leaves!.table as never;
    return this.#tables.isTable(table) && this.#tables.mayBeDirty?.(table, index) === true;
  }

  /**
   * True iff a write with the D bit of a version can be performed after a position; any write, where that is -1.
   *
   * Walks can load a version for as long as it can be read, since nothing leads away from the table: somebody has set its bit before it
   * is overwritten, and no copy of an earlier one that says the same lives longer than the last of its own.
   */
  #isWritten(version: number, told: number): boolean {
    if (!this.#isWritable(version)) return false;
    if (told < 0) return true;
    // Of what is loaded last the caches are rid last.
    const coverage = this.#coverageOf(this.#page);
    return coverage.drainedBy(coverage.leafDropBehind(this.#columns.readableUntil(version))) > told;
  }

  #isWritable(version: number): boolean {
    const rights = this.#decoder.rights(this.#columns.lo(version), this.#columns.hi(version));
    return (rights & this.#leaves!.rights & WRITE) !== 0;
  }
  #frame(version: number): number {
    return this.#decoder.frame(this.#columns.lo(version), this.#columns.hi(version));
  }
}
