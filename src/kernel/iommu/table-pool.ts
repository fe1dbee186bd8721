import type { Engine } from "../../engine/types.ts";
import { TABLE_WINDOW_PFN } from "../../engine/types.ts";
import { type IovaPfn, iovaPfn, type Pfn, pfn } from "../../units/index.ts";
import { type FaultInjector, KernelBug } from "../fault-injection.ts";

/** Where a live table stands: which domain, which level its entries are, which IOVA page entry 0 translates. */
export interface TablePosition {
  readonly domain: number;
  readonly level: number;
  readonly base: IovaPfn;
}

/**
 * Allocator of table pages. Content is the owner's business: a fresh page holds whatever it held, and every entry must be
 * filled before the page is linked. A page comes back only through a `freeTable` step, or when a plan is given up.
 */
export class TablePool {
  readonly #engine: Engine;
  readonly #faults: FaultInjector;
  readonly #limit: number;
  /** Pages below this were handed out at least once. */
  #fresh = 0;
  readonly #free: number[] = [];
  readonly #positions = new Map<number, TablePosition>();

  constructor(engine: Engine, faults: FaultInjector, limitPages = engine.tablePages) {
    this.#engine = engine;
    this.#faults = faults;
    this.#limit = Math.min(limitPages, engine.tablePages);
  }

  /** Tables handed out and not yet given back. */
  get live(): number {
    return this.#positions.size;
  }

  /** A table page for the given place, or null when none is left (or an injected fault says so). */
  alloc(position: TablePosition): Pfn | null {
    if (this.#faults.shouldFail("table")) return null;
    let index = this.#free.pop();
    if (index === undefined) {
      if (this.#fresh >= this.#limit) return null;
      index = this.#fresh++;
    }
    const table = pfn(TABLE_WINDOW_PFN + index);
    this.#engine.claimTable(table);
    this.#positions.set(table, position);
    return table;
  }

  /** Gives a page back. Pre: no walker can reach it, or the engine has executed its `freeTable`. */
  free(table: Pfn): void {
    if (!this.#positions.delete(table)) throw new KernelBug(`tablePool.free: table ${table} is not live`);
    this.#free.push(table - TABLE_WINDOW_PFN);
  }

  /** Place of a live table; undefined for a page that is not live. */
  positionOf(table: Pfn): TablePosition | undefined {
    return this.#positions.get(table);
  }

  /** Live tables in ascending order of their frames. */
  tables(): Pfn[] {
    return [...this.#positions.keys()].sort((a, b) => a - b).map(pfn);
  }

  /** Pages one entry of a table at `level` translates. */
  static spanPages(level: number): number {
    return 512 ** level;
  }

  /** First IOVA page that entry `index` of `table` translates. Pre: the table is live. */
  iovaOf(table: Pfn, index: number): IovaPfn {
    const at = this.#positions.get(table);
    if (at === undefined) throw new KernelBug(`tablePool.iovaOf: table ${table} is not live`);
    return iovaPfn(at.base + index * TablePool.spanPages(at.level));
  }
}
