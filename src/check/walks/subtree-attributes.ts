import { LEAF, TABLE } from "../entries/entry-kind.ts";
import { EntryReader } from "../entries/entry-reader.ts";
import type { ReachContext } from "./reach-context.ts";

/** Equal to nothing, itself included: leaves below one table have different ones. */
const MIXED = Number.NaN;
/** No leaf was seen yet. */
const NONE = -1;

/**
 * Attributes of the leaves below a table as they were before the script. Maps say nothing of them, so that an untouched subtree, which is
 * else what the old map says, has to be asked where another leaf is compared with it.
 */
export class SubtreeAttributes {
  readonly #context: ReachContext;
  readonly #before: EntryReader;
  readonly #known = new Map<number, number>();

  constructor(context: ReachContext) {
    this.#context = context;
    this.#before = new EntryReader(context.tables);
  }

  /** Those of all leaves below a table of a level; NaN where there are several kinds, null where nothing is told of any. */
  of(table: number, level: number): number | null {
    let known = this.#known.get(table);
    if (known === undefined) this.#known.set(table, (known = this.#read(table, level)));
    return known === NONE ? null : known;
  }

  #read(table: number, level: number): number {
    const { decoder, geometry } = this.#context;
    const before = this.#before;
    const children: number[] = [];
    let found = NONE;
    for (let index = 0; index < geometry.entries; index++) {
      before.read(table, null, index);
      const { lo, hi } = before;
      if (lo === 0 && hi === 0) {
        index = Math.max(index, before.firstHeld(table, null, index, geometry.entries) - 1);
        continue;
      }
      const kind = decoder.kind(level, lo, hi);
      if (kind === TABLE) children.push(decoder.frame(lo, hi));
      if (kind !== LEAF) continue;
      const own = decoder.attributes(lo, hi);
      if (found !== NONE && own !== found) return MIXED;
      found = own;
    }
    for (const child of children) {
      this.of(child, level - 1);
      const own = this.#known.get(child)!;
      if (own === NONE) continue;
      if (found !== NONE && own !== found) return MIXED;
      found = own;
    }
    return found;
  }
}
