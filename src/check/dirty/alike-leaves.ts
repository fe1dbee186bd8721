import type { Decoder } from "../entries/entry-kind.ts";
import { LEAF } from "../entries/entry-kind.ts";
import type { TablesBefore } from "../input.ts";
import type { Slot } from "./table-node.ts";

/**
 * Neighbouring leaves of one table that the script only collects from, all in the same steps. What is true of a page is true of
 * all whose leaves say the same, each with the page's own frame.
 */
export class AlikeLeaves {
  readonly #decoder: Decoder;
  /** The table as it is before the script. */
  readonly #words: Uint32Array;
  readonly #base: number;
  readonly #end: number;
  readonly #rights: number;
  readonly #attributes: number;
  readonly #tables: TablesBefore;
  readonly #table: number;
  /** What is known of their D bits before the script: 0 for clean, 1 for perhaps set, 2 for set. */
  readonly before: 0 | 1 | 2;

  private constructor(
    decoder: Decoder,
    tables: TablesBefore,
    words: Uint32Array,
    { node, versions }: Slot,
    end: number,
  ) {
    const { lo, hi } = versions[0]!;
    this.#decoder = decoder;
    this.#tables = tables;
    this.#table = node.table;
    this.#words = words;
    this.#base = node.base;
    this.#end = end;
    this.#rights = decoder.rights(lo, hi);
    this.#attributes = decoder.attributes(lo, hi);
    this.before = versions[0]!.isWrittenDirty ? 2 : versions[0]!.mayBeDirty ? 1 : 0;
  }

  /**
   * Those around a page, before page `end`; null where leaves of other tables translate it too, or ever did. Pre: `slots` are
   * the page's, and every leaf in them leads to its own frame.
   */
  static around(
    slots: readonly Slot[],
    page: number,
    end: number,
    decoder: Decoder,
    tables: TablesBefore,
  ): AlikeLeaves | null {
    const own = slots.at(-1);
    if (own === undefined || own.node.level > 0 || own.versions[0]!.kind !== LEAF) return null;
    const words = own.node.words;
    if (words === null) return null;
    for (const { node, versions } of slots)
      if (node !== own.node && (node.level === 0 || versions.some(({ kind }) => kind === LEAF))) return null;
    const until = own.node.base + own.node.onlyCollectedUntil(page - own.node.base);
    return until <= page + 1 ? null : new AlikeLeaves(decoder, tables, words, own, Math.min(until, end));
  }

  /** True iff a page, with this frame in both maps, is one of them. Pre: asked for in ascending order. */
  has(page: number, frame: number): boolean {
    if (page >= this.#end) return false;
    const at = 2 * (page - this.#base);
    const lo = this.#words[at]!;
    const hi = this.#words[at + 1]!;
    const decoder = this.#decoder;
    return (
      decoder.kind(0, lo, hi) === LEAF &&
      decoder.frame(lo, hi) === frame &&
      decoder.rights(lo, hi) === this.#rights &&
      decoder.attributes(lo, hi) === this.#attributes &&
      this.#beforeOf(page, lo, hi) === this.before
    );
  }

  #beforeOf(page: number, lo: number, hi: number): 0 | 1 | 2 {
    if (this.#decoder.isDirty(lo, hi)) return 2;
    return this.#tables.mayBeDirty?.(this.#table as never, page - this.#base) ? 1 : 0;
  }
}
