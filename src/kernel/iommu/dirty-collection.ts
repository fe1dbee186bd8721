import { EditScript } from "../../edit-script/index.ts";
import type { Engine } from "../../engine/types.ts";
import { type Pfn, WRITE } from "../../units/index.ts";
import type { Domain } from "./domain.ts";
import { Invalidations, settle } from "./invalidations.ts";
import { readEntries } from "./physical-runs.ts";
import { appendStores } from "./table-change.ts";

/** A table of which leaves are collected: entry i translates the pages from base + i * span on. */
interface CollectedTable {
  readonly table: Pfn;
  readonly base: number;
  readonly span: number;
}

/**
 * Takes the dirty bits out of leaves that devices may have written through. Every leaf with a page in a range is collected
 * whole, however far it reaches beyond.
 *
 *     collect    each bit is cleared by one atomic operation and kept by the engine
 *     settle     no cache says any more that a page is dirty already, so that the next write sets the bit anew;
 *                and every write that was translated before has been performed
 *
 * Nothing is allocated but the script: it cannot fail.
 */
export class DirtyCollection {
  readonly #engine: Engine;
  readonly #collects = new EditScript();
  readonly #invalidations = new Invalidations();
  readonly #tables: CollectedTable[] = [];

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Adds the leaves of [start, end). A leaf that cannot be written is dirty where it could be, or replaces one that could. */
  add(domain: Domain, start: number, end: number): void {
    if (domain.capability.hardwareDirty)
      this.#visit(domain, domain.root, domain.levels - 1, 0, start, Math.min(end, 512 ** domain.levels));
  }

  #visit(domain: Domain, table: Pfn, level: number, base: number, start: number, end: number): void {
    const { format } = domain;
    const span = 512 ** level;
    const first = Math.max(0, Math.floor((start - base) / span));
    const last = Math.min(511, Math.floor((end - 1 - base) / span));
    const words = readEntries(this.#engine, table, first, last + 1);
    let from = first;
    const collect = (to: number): void => {
      if (from < to) this.#collects.collect(table, from, to - from);
      from = to + 1;
    };
    let isCollected = false;
    for (let index = first; index <= last; index++) {
      const lo = words[2 * (index - first)]!;
      const hi = words[2 * (index - first) + 1]!;
      const at = base + index * span;
      const isPresent = format.isPresent(lo, hi);
      const isTable = isPresent && format.isTable(level, lo, hi);
      const mayBeDirty = (format.rightsOf(lo, hi) & WRITE) !== 0 || (lo & format.dirtyBit) !== 0;
      if (isPresent && !isTable && mayBeDirty) {
        isCollected = true;
        this.#invalidations.add(domain.tag, false, at, at + span);
        continue;
      }
      collect(index);
      if (isTable) this.#visit(domain, format.pfnOf(lo, hi), level - 1, at, start, end);
    }
    collect(last + 1);
    if (isCollected) this.#tables.push({ table, base, span });
  }

  /** The edit script; empty where there is no leaf to collect. */
  compose(isCoherent: boolean): EditScript {
    const script = new EditScript();
    appendStores(script, this.#collects, isCoherent);
    settle(script, [this.#invalidations]);
    return script;
  }

  /** Calls back with the pages of every leaf that was found dirty. Pre: the script has run. */
  takeFound(found: (start: number, pages: number) => void): void {
    for (const { table, base, span } of this.#tables) {
      const bits = this.#engine.takeFound(table).slice();
      for (let index = 0; index < 512; index++)
        if (((bits[index >>> 5]! >>> (index & 31)) & 1) !== 0) found(base + index * span, span);
    }
  }
}
