/** How entries were written: by single stores a walker may watch, or by plain stores that may tear. */
export const LIVE = 0;
export const PLAIN = 1;

/** What one step does to neighbouring entries. */
export interface EntrySpan {
  readonly step: number;
  readonly index: number;
  readonly count: number;
}

/** What is noted down of every step, at its number less 1. */
export interface StepColumns {
  /** Word where its record starts. */
  readonly records: Uint32Array;
  /** Writes with the same stretch have nothing between them but writes to this table. */
  readonly stretches: Uint32Array;
}

/**
 * Everything a script does to one table during one life: from its allocation (or the start) to its freeing. A page that is
 * freed and used again has two logs.
 */
export class TableLog {
  readonly table: number;
  /** 0 for the life a table had before the script. */
  readonly life: number;
  /** Step of `freeTable`, or NEVER. */
  freedAt: number;
  /** Steps that free it again. */
  readonly freedAgain: number[] = [];
  /** Step of each write. */
  readonly steps: number[] = [];
  readonly #columns: StepColumns;
  readonly cleans: EntrySpan[] = [];
  /** Collects, where walkers set dirty bits. */
  readonly collects: EntrySpan[] = [];

  constructor(table: number, life: number, never: number, columns: StepColumns) {
    this.#columns = columns;
    this.table = table;
    this.life = life;
    this.freedAt = never;
  }

  get isWritten(): boolean {
    return this.steps.length > 0;
  }
  get writes(): number {
    return this.steps.length;
  }
  /** Word where the record of the write at position `k` starts. */
  record(k: number): number {
    return this.#columns.records[this.steps[k]! - 1]!;
  }
  /** The stretch of the write at position `k`. */
  stretch(k: number): number {
    return this.#columns.stretches[this.steps[k]! - 1]!;
  }
}
