import type { Geometry } from "../entries/geometry.ts";
import type { HeldTable } from "./held-table.ts";
import type { RootVersion } from "./roots.ts";

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
  readonly #geometry: Geometry;
  readonly #byLevel: (SteadyLink | undefined)[] = [];
  /** The table of the lowest level that was found last, below links to which nothing happens: who may hold its root may hold it. */
  #lowest: HeldTable | null = null;
  #lowestRoot: HeldTable | null = null;
  /** Its first page, and the one behind its last. */
  base = 0;
  #end = 0;

  constructor(geometry: Geometry) {
    this.#geometry = geometry;
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
    let state = root;
    let base = 0;
    for (let level = levels - 1; level > 0; level--) {
      const span = this.#geometry.span(level);
      const index = Math.floor((start - base) / span);
      const child = this.childOf(level, state, index);
      if (child === null) return false;
      state = child;
      base += index * span;
    }
    const last = base + this.#geometry.tableSpan(0);
    if (!state.log?.isWritten || end > last) return false;
    [this.#lowest, this.#lowestRoot] = [state, root];
    [this.base, this.#end] = [base, last];
    return true;
  }
}
