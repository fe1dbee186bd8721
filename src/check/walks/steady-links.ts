import { TABLE } from "../entries/entry-kind.ts";
import type { EntryReader } from "../entries/entry-reader.ts";
import { NEVER } from "../script/positions.ts";
import type { EntryFacts } from "./entry-facts.ts";
import type { HeldTable } from "./held-table.ts";
import type { ReachContext } from "./reach-context.ts";
import type { RootVersion } from "./roots.ts";
import type { TableCells } from "./table-cells.ts";

/** An entry that is a table pointer throughout. Pages of the same table ask for it again and again. */
interface SteadyLink {
  readonly state: HeldTable;
  readonly index: number;
  readonly child: HeldTable;
}

/**
 * The links to which nothing happens, and of which there is nothing to say, on the way to the page looked at last: where each page
 * is invalidated by itself, the way to its table is looked at once.
 */
export class SteadyLinks {
  readonly #context: ReachContext;
  readonly #entries: EntryFacts;
  readonly #cells: TableCells;
  readonly #before: EntryReader;
  readonly #byLevel: (SteadyLink | undefined)[] = [];
  /** The table of the lowest level that was found last, below links to which nothing happens: who may hold its root may hold it. */
  #lowest: HeldTable | null = null;
  #lowestRoot: HeldTable | null = null;
  /** Its first page, and the one behind its last. */
  base = 0;
  #end = 0;

  constructor(context: ReachContext, entries: EntryFacts, cells: TableCells, before: EntryReader) {
    this.#context = context;
    this.#entries = entries;
    this.#cells = cells;
    this.#before = before;
  }

  note(level: number, state: HeldTable, index: number, child: HeldTable): void {
    this.#byLevel[level] = { state, index, child };
  }

  /** What an entry of a held table leads to; null where that is not known. */
  childOf(level: number, state: HeldTable, index: number): HeldTable | null {
    const steady = this.#byLevel[level];
    return steady !== undefined && steady.state === state && steady.index === index ? steady.child : null;
  }

  /**
   * The table of the lowest level that holds the pages [start, end), as those hold it that hold a root, with its first page in
   * `base`; null where that is not known, or it is not written and may be taken from the old map.
   */
  lowest(version: RootVersion, root: HeldTable, start: number, end: number): HeldTable | null {
    const isKnown = root === this.#lowestRoot && this.base <= start && end <= this.#end;
    return isKnown || this.#find(version, root, start, end) ? this.#lowest : null;
  }

  /** Looks for it; what was found before stays where there is none. */
  #find({ levels }: RootVersion, root: HeldTable, start: number, end: number): boolean {
    const { geometry } = this.#context;
    let state = root;
    let base = 0;
    for (let level = levels - 1; level > 0; level--) {
      const span = geometry.span(level);
      const index = Math.floor((start - base) / span);
      const child =
        this.childOf(level, state, index) ?? (level === 1 ? this.#lowestAt(state, index, base) : null);
      if (child === null) return false;
      state = child;
      base += index * span;
    }
    const last = base + geometry.tableSpan(0);
    if (!state.log?.isWritten || end > last) return false;
    [this.#lowest, this.#lowestRoot] = [state, root];
    [this.base, this.#end] = [base, last];
    return true;
  }

  /** The table that an entry above the lowest level leads to throughout, if it is written, and nothing has to be told of the way to it. */
  #lowestAt(state: HeldTable, index: number, base: number): HeldTable | null {
    // Who is told of every table that is looked at has been told of this one, if an entry beside it was looked at.
    if (!state.isCurrent || this.#byLevel[1]?.state !== state) return null;
    const { log } = state;
    if (log?.isWritten && this.#cells.of(log, 1).cellAt(index) !== null) return null;
    const before = this.#before;
    before.read(state.table, log, index);
    const { lo, hi } = before;
    if (this.#context.decoder.kind(1, lo, hi) !== TABLE) return null;
    const start = base + index * this.#context.geometry.span(1);
    const child = this.#entries.eternalChild({ state, level: 1, start }, lo, hi);
    if (!child?.log?.isWritten || child.log.freedAt !== NEVER) return null;
    this.note(1, state, index, child);
    return child;
  }
}
