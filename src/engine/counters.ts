import { CTL_ENTRY_STORES } from "./layout.ts";
import type { EngineCounters } from "./types.ts";

/** The executor's counters in the control block; only the thread that executes scripts changes them. */
export class CounterBlock {
  readonly #words: BigUint64Array;

  constructor(buffer: SharedArrayBuffer, control: number) {
    this.#words = new BigUint64Array(buffer, control + CTL_ENTRY_STORES, 8);
  }

  /** The counters now, as plain data, in the order of the control block. */
  snapshot(): EngineCounters {
    const at = (i: number): number => Number(this.#words[i]!);
    return {
      entryStores: at(0),
      privateStores: at(1),
      invalidations: at(2),
      waits: at(3),
      barriers: at(4),
      tablesFreed: at(5),
      pagesUnpinned: at(6),
      entriesCollected: at(7),
    };
  }

  reset(): void {
    this.#words.fill(0n);
  }
}
