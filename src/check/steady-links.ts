import { type HeldTable, heldFrom } from "./entry-facts.ts";
import type { Geometry } from "./geometry.ts";
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
  /** The context entry from which the walk began that found them, and its table. */
  #version: RootVersion | null = null;
  #root: HeldTable | null = null;
  /** The table of the lowest level that was found last, below links to which nothing happens: who may hold its root may hold it. */
  #lowest: HeldTable | null = null;
  #lowestVersion: RootVersion | null = null;
  #lowestRoot: HeldTable | null = null;
  /** Its first page, and the one behind its last. */
  base = 0;
  #end = 0;

  constructor(geometry: Geometry) {
    this.#geometry = geometry;
  }

  /** Links are looked for from here on. */
  enter(version: RootVersion, root: HeldTable): void {
    this.#version = version;
    this.#root = root;
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
    const isKnown = version === this.#lowestVersion && this.base <= start && end <= this.#end;
    if (!isKnown && !this.#find(version, start, end)) return null;
    if (root !== this.#lowestRoot) {
      this.#lowest = heldUnder(root, this.#lowest!);
      this.#lowestRoot = root;
    }
    return this.#lowest;
  }

  /** Looks for it from the root on that was entered last; what was found before stays where there is none. */
  #find(version: RootVersion, start: number, end: number): boolean {
    if (version !== this.#version) return false;
    let state = this.#root!;
    let base = 0;
    for (let level = version.levels - 1; level > 0; level--) {
      const span = this.#geometry.span(level);
      const index = Math.floor((start - base) / span);
      const child = this.childOf(level, state, index);
      if (child === null) return false;
      state = child;
      base += index * span;
    }
    const last = base + this.#geometry.tableSpan(0);
    if (!state.log?.isWritten || end > last) return false;
    [this.#lowest, this.#lowestVersion, this.#lowestRoot] = [state, version, this.#root];
    [this.base, this.#end] = [base, last];
    return true;
  }
}

/** A table where other walks may hold the root: pages whose invalidations stop walks have generations of their own. */
function heldUnder(root: HeldTable, state: HeldTable): HeldTable {
  const { table, log, rights, isCurrent, isPristine, step, until, lingers, stored } = state;
  const [earliest, least] = [root.earliest, heldFrom(root)];
  return { table, log, rights, earliest, least, isCurrent, isPristine, step, until, lingers, stored };
}
