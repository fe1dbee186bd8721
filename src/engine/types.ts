import type { IovaPfn, Pfn } from "../units/index.ts";

/**
 * The door of the engine: the shared machine (tables, frames, devices' control blocks) behind typed calls.
 *
 * One WebAssembly.Memory is the emulated machine's physical state. Every thread has its own instance of one module on it.
 * No other room touches its words, but for room device, which writes and reads plain data there.
 */

/** First frame of the window that holds page tables: 4 GiB, so that the low half of a table address is its offset in linear memory. */
export const TABLE_WINDOW_PFN = 0x10_0000 as Pfn;
/** First frame of RAM: 64 GiB. */
export const RAM_BASE_PFN = 0x100_0000 as Pfn;

export interface EngineOptions {
  /** Frames of RAM that carry a pin count and a cell; default 2^28 (1 TiB) + 2^26. Committed lazily. */
  readonly ramFrames?: number;
  /** Table pages the window holds; default 2^18 (1 GiB of tables). Committed lazily. */
  readonly tablePages?: number;
}

/** What executing scripts did, summed since the engine was made or `resetCounters`. */
export interface EngineCounters {
  /** Single-entry stores to reachable tables: store, storeRun (each entry), exchange, setRoot. */
  readonly entryStores: number;
  /** Plain stores into unreachable tables (fill, gather), in entries. */
  readonly privateStores: number;
  readonly invalidations: number;
  readonly waits: number;
  readonly barriers: number;
  readonly tablesFreed: number;
  readonly pagesUnpinned: number;
  /** Entries whose A or D a collect step found set and cleared. */
  readonly entriesCollected: number;
}

/** Perturbation of the script executor: after each step, with probability `oneIn`, spin up to `maxSpins` times. */
export interface Perturbation {
  readonly seed: number;
  readonly oneIn: number;
  readonly maxSpins: number;
}

export interface Engine {
  /** Offset of the control block, for the rooms that own parts of the shared memory (engine, device). */
  readonly control: number;
  /** Send these two to worker threads (structured clone shares both). */
  readonly module: object;
  readonly memory: { readonly buffer: SharedArrayBuffer };

  readonly tablePages: number;
  readonly ramFrames: number;

  /** Atomic loads of all 512 entries of a table into a private buffer of 1024 words (low, high); valid until the next call. */
  readTable(table: Pfn): Uint32Array;
  /** One atomic 64-bit load. */
  loadEntry(table: Pfn, index: number): bigint;
  /** Marks a table page live (allocated); its content is whatever it was: the owner fills all entries before linking it. */
  claimTable(table: Pfn): void;

  /** Adds one pin to each page of a run. Pre: the run lies in RAM. */
  pinFrames(first: Pfn, pages: number): void;
  /** Drops one pin from each page of a run. Throws EngineBug when a page has none. */
  unpinFrames(first: Pfn, pages: number): void;
  framePins(frame: Pfn): number;

  /**
   * Executes an edit script (records of edit-script/records.ts) step by step against live walkers.
   * `freeTable` poisons the page and marks it dead; `unpin` drops pins; `wait` returns when all attached, running
   * devices have acknowledged. Post: returns when the last step is done.
   */
  execute(words: Uint32Array): void;
  /**
   * Which entries of a table collect steps have found dirty since the last call, and forgets them: 16 words, bit i of word
   * w is entry 32 w + i. Valid until the next call. A table that is claimed has none.
   */
  takeFound(table: Pfn): Uint32Array;
  /** The counters at this moment. */
  readonly counters: EngineCounters;
  resetCounters(): void;
  setPerturbation(p: Perturbation | null): void;
  /**
   * Breaks live stores on purpose: store, storeRun and exchange write the two 32-bit halves one after the other.
   * What the mutant of torn entries (M25) runs with; off by default.
   */
  setTearStores(on: boolean): void;

  /** Free and claim count of a table page: live now, and the clock of its last free. */
  tableLife(table: Pfn): { live: boolean; freedAt: number };

  /** Context entry of a device: which domain, root and levels its walks use. root null = blocked (every access faults). */
  setContext(device: number, context: { domain: number; root: Pfn; levels: number } | null): void;

  /** Software walk of one page through live tables as the hardware would do it; for reports and tests. */
  walk(root: Pfn, levels: number, page: IovaPfn): { pfn: Pfn; rights: number; level: number } | null;

  /**
   * Could one leaf of the next size stand for all 512 entries of a table at `level` (0 or 1)? They must be present leaves
   * of equal attributes whose frames follow one another from an aligned one on. Returns null if not, else their A and D
   * bits ORed, which hardware sets in each of them on its own.
   */
  uniformTable(table: Pfn, level: number): { hardwareBits: number } | null;
  /**
   * Walks `count` random pages below `pages` through four levels in one batch and counts those that do not end at frame
   * page + delta. Random numbers are xorshift32 from `seed` (not 0), multiplied into the range; returns the seed to go on with.
   * Pre: all table entries below `root` point into the table window.
   */
  checkedWalks(
    root: Pfn,
    pages: number,
    count: number,
    delta: number,
    seed: number,
  ): { wrong: number; seed: number };
}

/** A broken invariant inside the engine. */
export class EngineBug extends Error {
  override name = "EngineBug";
}
