import { OP } from "../../edit-script/index.ts";

/** Numbers of a row: the step, its entries (the first, and above 16 bits how many), and the value of a store of one entry. */
const ROW = 4;

const NO_OWNERS = new Int32Array(0);

/**
 * The writes of a script in rows of numbers, in the end those of one table side by side: of one that is written page by page the
 * records lie far apart, each on a page of memory of its own.
 */
export class WriteRows {
  #rows: Uint32Array;
  #ops: Uint8Array;
  /** Whose writes they are, by number, until they are sorted. */
  #owners: Int32Array;
  #length = 0;
  /** Each owner's writes have come side by side so far, the owners in the order of their numbers. */
  #isSorted = true;
  #last = -1;

  /** `room`: how many will be pushed. */
  constructor(room: number) {
    this.#rows = new Uint32Array(ROW * room);
    this.#ops = new Uint8Array(room);
    this.#owners = new Int32Array(room);
  }

  /** Takes the next write of the script. The value counts where it is a store of one entry. */
  push(owner: number, op: number, step: number, span: number, lo: number, hi: number): void {
    const at = this.#length++;
    const rows = this.#rows;
    rows[ROW * at] = step;
    rows[ROW * at + 1] = span;
    rows[ROW * at + 2] = lo;
    rows[ROW * at + 3] = hi;
    this.#ops[at] = op;
    this.#owners[at] = owner;
    if (owner < this.#last) this.#isSorted = false;
    this.#last = owner;
  }

  /** Puts the writes of each owner side by side, in their order, unless they are. `begins`: where those of each begin then. */
  sort(begins: () => Int32Array): void {
    if (!this.#isSorted) this.#spread(begins());
    this.#owners = NO_OWNERS;
  }

  #spread(next: Int32Array): void {
    const [rows, ops, owners] = [this.#rows, this.#ops, this.#owners];
    const sorted = new Uint32Array(rows.length);
    const sortedOps = new Uint8Array(ops.length);
    for (let k = 0; k < this.#length; k++) {
      const at = next[owners[k]!]!++;
      sortedOps[at] = ops[k]!;
      for (let i = 0; i < ROW; i++) sorted[ROW * at + i] = rows[ROW * k + i]!;
    }
    [this.#rows, this.#ops] = [sorted, sortedOps];
  }

  step(at: number): number {
    return this.#rows[ROW * at]!;
  }
  span(at: number): number {
    return this.#rows[ROW * at + 1]!;
  }
  lo(at: number): number {
    return this.#rows[ROW * at + 2]!;
  }
  hi(at: number): number {
    return this.#rows[ROW * at + 3]!;
  }
  op(at: number): number {
    return this.#ops[at]!;
  }
  /** True iff the row has the value: it is a store, or an exchange, of one entry. */
  hasValue(at: number): boolean {
    const op = this.#ops[at]!;
    return op === OP.store || op === OP.exchange;
  }
}
