import { EditScript } from "../../edit-script/index.ts";
import type { Pfn } from "../../units/index.ts";
import type { Entry } from "./format.ts";
import { Invalidations, settle } from "./invalidations.ts";
import { appendStores, TableChange } from "./table-change.ts";

/** The live stores of one phase, and what caches may hold of the entries they overwrite. */
export class Phase {
  readonly script = new EditScript();
  readonly invalidations = new Invalidations();
  #runTable = -1 as Pfn | -1;
  #runFirst = 0;
  #runCount = 0;
  #runUpdate = 0;
  #firstLo = 0;
  #firstHi = 0;
  #lastLo = 0;
  #lastHi = 0;
  #strideLo = 0;
  #strideHi = 0;
  stores = 0;

  /** One store to a reachable entry; consecutive ones with a constant stride become one storeRun step. */
  store(update: number, table: Pfn, index: number, to: Entry): void {
    this.stores++;
    if (this.#runTable === table && index === this.#runFirst + this.#runCount) {
      const strideLo = (to.lo - this.#lastLo) >>> 0;
      const strideHi = (to.hi - this.#lastHi - (to.lo < this.#lastLo ? 1 : 0)) >>> 0;
      if (this.#runCount === 1) {
        this.#strideLo = strideLo;
        this.#strideHi = strideHi;
      }
      if (strideLo === this.#strideLo && strideHi === this.#strideHi) {
        this.#runCount++;
        this.#lastLo = to.lo;
        this.#lastHi = to.hi;
        return;
      }
    }
    this.flush();
    this.#runTable = table;
    this.#runFirst = index;
    this.#runCount = 1;
    this.#runUpdate = update;
    this.#firstLo = this.#lastLo = to.lo;
    this.#firstHi = this.#lastHi = to.hi;
  }

  /** One exchange of a reachable leaf: A and D that walkers set in it are carried over. */
  exchange(update: number, table: Pfn, index: number, from: Entry, to: Entry): void {
    this.stores++;
    this.flush();
    this.script.exchange(update, table, index, from.lo, from.hi, to.lo, to.hi);
  }

  flush(): void {
    const table = this.#runTable;
    if (table === -1) return;
    if (this.#runCount === 1)
      this.script.store(this.#runUpdate, table, this.#runFirst, this.#firstLo, this.#firstHi);
    else
      this.script.storeRun(
        this.#runUpdate,
        table,
        this.#runFirst,
        this.#runCount,
        this.#firstLo,
        this.#firstHi,
        this.#strideLo,
        this.#strideHi,
      );
    this.#runTable = -1;
  }
}

/**
 * The phases of one map change, in the order every walker must see them (races that each order prevents: DESIGN.md):
 *
 *     build    plain stores into tables nobody reaches
 *     split    leaf → table of smaller leaves with the same translation; pages that go may be absent already
 *     edit     leaves change, subtrees are linked and detached
 *     merge    table → leaf, where the leaves of the last phase agree
 *     release  tables and pins go back
 *
 * Several domains share one set of phases, so that nothing is released before the last domain has let go.
 */
export class Phases extends TableChange {
  readonly split = new Phase();
  readonly edit = new Phase();
  readonly merge = new Phase();
  /** A page under a split also changes its translation: the old large leaf must be gone before the small one differs. */
  splitsMustSettle = false;

  override get entryStores(): number {
    return this.split.stores + this.edit.stores + this.merge.stores;
  }

  override compose(isCoherent: boolean): EditScript {
    for (const phase of [this.split, this.edit, this.merge]) phase.flush();
    const script = new EditScript();
    this.appendBuild(script, isCoherent);
    appendStores(script, this.split.script, isCoherent);
    const carried = this.splitsMustSettle ? [] : [this.split.invalidations];
    if (this.splitsMustSettle) settle(script, [this.split.invalidations]);
    appendStores(script, this.edit.script, isCoherent);
    const settled = settle(script, [...carried, this.edit.invalidations]);
    if (this.merge.stores > 0) {
      appendStores(script, this.merge.script, isCoherent);
      settle(script, [this.merge.invalidations]);
    } else if (!settled && this.entryStores > 0) {
      script.barrier();
    }
    this.appendReleases(script);
    return script;
  }
}
