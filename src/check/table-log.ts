/** How entries were written: by single stores a walker may watch, or by plain stores that may tear. */
export const LIVE = 0;
export const PLAIN = 1;

/** What one step does to neighbouring entries. */
export interface EntrySpan {
  readonly step: number;
  readonly index: number;
  readonly count: number;
}

const NO_STEPS = new Uint32Array(0);
const FIRST_ROOM = 16;

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
  writes = 0;
  /** Step of each write, and some room behind the last. */
  #steps = NO_STEPS;
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
    return this.writes > 0;
  }
  /** Notes down a write. */
  push(step: number): void {
    if (this.writes === this.#steps.length) {
      const longer = new Uint32Array(Math.max(FIRST_ROOM, 2 * this.writes));
      longer.set(this.#steps);
      this.#steps = longer;
    }
    this.#steps[this.writes++] = step;
  }
  /** Step of the write at position `k`. */
  step(k: number): number {
    return this.#steps[k]!;
  }
  /** Word where the record of the write at position `k` starts. */
  record(k: number): number {
    return this.#columns.records[this.#steps[k]! - 1]!;
  }
  /** The stretch of the write at position `k`. */
  stretch(k: number): number {
    return this.#columns.stretches[this.#steps[k]! - 1]!;
  }
}
