import { LEAF, TABLE } from "../entries/entry-kind.ts";
import { EntryReader } from "../entries/entry-reader.ts";
import type { ReachContext } from "./reach-context.ts";

/** Equal to nothing, itself included: leaves below one table have different ones. */
const MIXED = Number.NaN;

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

  /** Those of all leaves below a table of a level; NaN where there are several kinds, 0 where there is no leaf. */
  of(table: number, level: number): number {
    const known = this.#known.get(table);
    if (known !== undefined) return known;
    let found: number | null = null;
    for (const own of this.#leaves(table, level)) {
      if (found !== null && own !== found) {
        found = MIXED;
        break;
      }
      found = own;
    }
    this.#known.set(table, found ?? 0);
    return found ?? 0;
  }

  /** What the leaves have, one after the other; equal ones of a table may be told once. */
  *#leaves(table: number, level: number): Generator<number> {
    const { decoder, geometry } = this.#context;
    const before = this.#before;
    const children: number[] = [];
    let last: number | null = null;
    for (let index = 0; index < geometry.entries; index++) {
      index = before.firstHeld(table, null, index, geometry.entries);
      if (index === geometry.entries) break;
      before.read(table, null, index);
      const { lo, hi } = before;
      const kind = decoder.kind(level, lo, hi);
      if (kind === TABLE) children.push(decoder.frame(lo, hi));
      if (kind !== LEAF) continue;
      const own = decoder.attributes(lo, hi);
      if (own !== last) yield own;
      last = own;
    }
    for (const child of children) yield this.of(child, level - 1);
  }
}
