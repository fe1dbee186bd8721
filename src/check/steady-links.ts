import { type HeldTable, heldFrom } from "./entry-facts.ts";
import type { Geometry } from "./geometry.ts";
import type { RootVersion } from "./roots.ts";

/** An entry that is a table pointer throughout. Pages of the same table ask for it again and again. */
interface SteadyLink {
  readonly state: HeldTable;
  readonly index: number;
  readonly child: HeldTable;
}

/** A table of the lowest level below links to which nothing happens: who may hold the root may hold it. */
export interface LowestTable {
  readonly version: RootVersion;
  readonly root: HeldTable;
  readonly state: HeldTable;
  /** Its pages. */
  readonly base: number;
  readonly end: number;
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
  #lowest: LowestTable | null = null;

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
   * The table of the lowest level that holds the pages [start, end), as those hold it that hold a root; null where that is not
   * known, or it is not written and may be taken from the old map.
   */
  lowest(version: RootVersion, root: HeldTable, start: number, end: number): LowestTable | null {
    let known = this.#lowest;
    if (known === null || known.version !== version || start < known.base || known.end < end)
      known = this.#find(version, start, end);
    if (known !== null && known.root !== root) known = heldUnder(root, known);
    if (known !== null) this.#lowest = known;
    return known;
  }

  #find(version: RootVersion, start: number, end: number): LowestTable | null {
    const root = this.#root;
    if (root === null || version !== this.#version) return null;
    let state = root;
    let base = 0;
    for (let level = version.levels - 1; level > 0; level--) {
      const span = this.#geometry.span(level);
      const index = Math.floor((start - base) / span);
      const child = this.childOf(level, state, index);
      if (child === null) return null;
      state = child;
      base += index * span;
    }
    const last = base + this.#geometry.tableSpan(0);
    return state.log?.isWritten && end <= last ? { version, root, state, base, end: last } : null;
  }
}

/** The same table where other walks may hold the root: pages whose invalidations stop walks have generations of their own. */
function heldUnder(root: HeldTable, { version, state, base, end }: LowestTable): LowestTable {
  const { table, log, rights, isCurrent, isPristine, step, until, lingers, stored } = state;
  const [earliest, least] = [root.earliest, heldFrom(root)];
  const held = { table, log, rights, earliest, least, isCurrent, isPristine, step, until, lingers, stored };
  return { version, root, state: held, base, end };
}
