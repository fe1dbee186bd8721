import { WRITE } from "../../units/index.ts";
import type { Coverage } from "../coverage.ts";
import type { Decoder } from "../entry-kind.ts";
import type { TablesBefore } from "../input.ts";
import type { HistorySource } from "./dirty-versions.ts";
import type { Fate } from "./fate.ts";
import { KNOWN, LeafColumns, NONE, OVERWRITTEN, TAKEN } from "./leaf-columns.ts";
import type { LeafTable } from "./leaf-table.ts";

/** A write that nobody will ever know of, by the version of an entry whose D bit it sets or relies on. */
export interface LostInEntry {
  /** Positions [step, until) at which the entry has it. */
  readonly step: number;
  readonly until: number;
  readonly what: Fate["what"];
  /** Step that decides it. */
  readonly from: number;
  /** Strong memory order loses a bit on the page too, as far as it was looked into. */
  readonly isInStrong: boolean;
}

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
  readonly #coverageOf: (page: number) => Coverage;
  /** The table that the columns are filled with. */
  #leaves: LeafTable | null = null;
  /** The page at hand. */
  #page = 0;
  #coverage!: Coverage;
  #isInStrong = false;

  constructor(
    source: HistorySource,
    callEnd: (step: number) => number,
    coverageOf: (page: number) => Coverage,
  ) {
    this.#columns = new LeafColumns(source);
    this.#decoder = source.decoder;
    this.#tables = source.tables;
    this.#callEnd = callEnd;
    this.#coverageOf = coverageOf;
  }

  /** Goes on to a table, whose pages are asked for in a row. */
  enter(leaves: LeafTable): void {
    if (leaves === this.#leaves) return;
    this.#columns.fill(leaves.table, leaves.log);
    this.#leaves = leaves;
  }

  /** True iff the entry of a page has a history of its own: what it shares is decided once, by `Search`. */
  isAlone(page: number): boolean {
    return !this.#columns.isJoined(page - this.#leaves!.base);
  }

  /** What is lost on a page, which translates to `frame` before and after. Pre: it is alone. */
  at(page: number, frame: number): LostInEntry | null {
    const columns = this.#columns;
    const index = page - this.#leaves!.base;
    if (!this.#isOpen(index, frame)) return null;
    this.#page = page;
    this.#coverage = this.#coverageOf(page);
    const version = this.#lostIn(index, frame);
    if (version === NONE) return null;
    return {
      step: columns.step(version),
      until: columns.until(version),
      what: columns.fate(version) === TAKEN ? "taken" : "overwritten",
      from: columns.fateStep(version),
      isInStrong: this.#isInStrong,
    };
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
      const isLost = this.#isWritten(index, version, until) || (until < 0 && this.#wasDirty(index, version));
      if (!isLost) continue;
      // What is written before it is overwritten, or was before the script, does not hang on how long that can be read.
      this.#isInStrong ||= until < 0 && (this.#isLoadedInTime(version) || this.#wasDirty(index, version));
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

  /** True iff a write with the D bit of a version can be performed after a position; any write, where that is -1. */
  #isWritten(index: number, version: number, told: number): boolean {
    const columns = this.#columns;
    const step = columns.step(version);
    const until = columns.until(version);
    const last = columns.readableUntil(version);
    if (this.#isWritable(version)) {
      const { begins, deaths, generations } = this.#coverage;
      for (let g = this.#coverage.firstAlive(step); g < generations && begins[g]! < last; g++) {
        const from = Math.max(begins[g]!, step);
        const to = Math.min(last, deaths[g]!);
        if (from >= to) continue;
        // What was overwritten is still read with the bit that somebody else has set before.
        if (from >= until && !this.#canBeDirty(index, version)) continue;
        if (told < 0 || this.#drained(this.#death(g, to - 1)) > told) return true;
      }
    }
    return this.#isWrittenByEarlier(version, told);
  }

  /** The same through copies of versions before that say the same but for A and D. */
  #isWrittenByEarlier(version: number, told: number): boolean {
    const columns = this.#columns;
    const step = columns.step(version);
    const until = columns.until(version);
    for (let old = columns.before(version); old !== NONE; old = columns.before(old)) {
      // A copy with D = 1 sets no bit.
      if (!columns.isLeaf(old) || columns.isDirty(old) || !this.#isWritable(old)) continue;
      if (this.#differ(old, version)) continue;
      const begin = columns.step(old);
      const last = columns.readableUntil(old);
      const { begins, deaths, generations } = this.#coverage;
      for (let g = this.#coverage.firstAlive(begin); g < generations && begins[g]! < last; g++) {
        const loaded = Math.min(last, deaths[g]!, until) - 1;
        if (loaded < Math.max(begins[g]!, begin)) continue;
        const death = this.#death(g, loaded);
        if (death > step && (told < 0 || this.#drained(death) > told)) return true;
      }
    }
    return false;
  }

  /** True iff D of a version can be 1 when the version ends. */
  #canBeDirty(index: number, version: number): boolean {
    const columns = this.#columns;
    if (version === index && this.#mayBeDirty(index)) return true;
    if (columns.isDirty(version)) return true;
    if (this.#isLoadedInTime(version) || this.#isWrittenByEarlier(version, -1)) return true;
    return columns.isCarried(version) && this.#canBeDirty(index, columns.before(version));
  }

  /** True iff walks can load a version with the right to write before it is overwritten. */
  #isLoadedInTime(version: number): boolean {
    if (!this.#isWritable(version)) return false;
    const columns = this.#columns;
    const step = columns.step(version);
    const { begins, deaths, generations } = this.#coverage;
    const until = Math.min(columns.until(version), columns.readableUntil(version));
    for (let g = this.#coverage.firstAlive(step); g < generations && begins[g]! < until; g++)
      if (Math.max(begins[g]!, step) < Math.min(until, deaths[g]!)) return true;
    return false;
  }

  #death(g: number, loaded: number): number {
    return this.#coverage.leafDeath(g, loaded, this.#page, this.#page + 1);
  }
  #drained(death: number): number {
    return this.#coverage.drained(death);
  }

  #isWritable(version: number): boolean {
    const rights = this.#decoder.rights(this.#columns.lo(version), this.#columns.hi(version));
    return (rights & this.#leaves!.rights & WRITE) !== 0;
  }
  #frame(version: number): number {
    return this.#decoder.frame(this.#columns.lo(version), this.#columns.hi(version));
  }
  #differ(a: number, b: number): boolean {
    const columns = this.#columns;
    return this.#decoder.differ(columns.lo(a), columns.hi(a), columns.lo(b), columns.hi(b));
  }
}
