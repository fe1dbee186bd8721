const ENTRIES = 512;
/** How many tables get their memory together, at most: 2 MiB. */
const MOST = 512;

/**
 * Hands out tables that hold nothing. Many share one block of memory, since the runtime takes longer to account for a block than to
 * clear it; a block lives as long as any of its tables.
 */
export class FreshTables {
  #block = new ArrayBuffer(0);
  #used = 0;
  /** Blocks grow with what is asked for, so that a few tables do not take much. */
  #next = 1;

  take(): BigUint64Array<ArrayBuffer> {
    if (this.#used === this.#block.byteLength) {
      this.#block = new ArrayBuffer(this.#next * ENTRIES * 8);
      this.#used = 0;
      this.#next = Math.min(MOST, 2 * this.#next);
    }
    const table = new BigUint64Array(this.#block, this.#used, ENTRIES);
    this.#used += table.byteLength;
    return table;
  }
}
