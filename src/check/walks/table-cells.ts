import { type CellTable, cellsOf } from "../entries/cells.ts";
import { SingleWrites } from "../entries/single-writes.ts";
import type { TableLog } from "../script/table-log.ts";
import type { ReachContext } from "./reach-context.ts";

const MAX_TABLES = 16;
/** Columns are made for the first of so many tables. */
const MANY_TABLES = 8;

/** What tables are written, sorted by entry, of those that were asked for last. */
export class TableCells {
  readonly #context: ReachContext;
  /** By number of the log: of the lowest tables, and of those above them, which each lead to many of the others. */
  readonly #lowest = new Map<number, CellTable | SingleWrites>();
  /** The one asked for last. */
  #log: TableLog | null = null;
  #last: CellTable | SingleWrites | null = null;
  readonly #upper = new Map<number, (CellTable | undefined)[]>();
  /** Columns whose tables have been forgotten. */
  readonly #free: SingleWrites[] = [];

  constructor(context: ReachContext) {
    this.#context = context;
  }

  /** Of one life of a table, at the level at which it stands. */
  of(log: TableLog, level: number): CellTable | SingleWrites {
    // Pages are visited in order: a table is not asked for again much later.
    if (level === 0) {
      if (log === this.#log) return this.#last!;
      let cells = this.#lowest.get(log.number);
      if (cells === undefined) {
        if (this.#lowest.size >= MAX_TABLES) this.#forgetLowest();
        this.#lowest.set(log.number, (cells = this.#singleWrites(log) ?? this.#readCells(log, 0)));
      }
      this.#log = log;
      return (this.#last = cells);
    }
    let byLevel = this.#upper.get(log.number);
    if (byLevel === undefined) {
      if (this.#upper.size >= MAX_TABLES) this.#upper.clear();
      this.#upper.set(log.number, (byLevel = []));
    }
    return (byLevel[level] ??= this.#readCells(log, level));
  }

  #readCells(log: TableLog, level: number): CellTable {
    const { geometry, decoder, collapse } = this.#context;
    const { words } = this.#context.log;
    return cellsOf(words, log, level, geometry.entries, geometry.span(level), decoder, collapse);
  }

  /** The columns of a table of the lowest level, if they can say what it is written. */
  #singleWrites(log: TableLog): SingleWrites | null {
    const { geometry, decoder, collapse, acceptPlain } = this.#context;
    const { words, lives } = this.#context.log;
    if (!acceptPlain || !SingleWrites.fits(words, log, geometry.entries, lives >= MANY_TABLES)) return null;
    const columns = this.#free.pop() ?? new SingleWrites(geometry.entries);
    if (columns.fill(words, log, 0, geometry.span(0), decoder, collapse)) return columns;
    this.#free.push(columns);
    return null;
  }

  #forgetLowest(): void {
    for (const cells of this.#lowest.values()) if (cells instanceof SingleWrites) this.#free.push(cells);
    this.#lowest.clear();
  }
}
