import {
  ABSENT,
  ACCESSED_DIRTY,
  addressIn,
  isLeaf,
  isLink,
  isPresent,
  isSame,
  leafOf,
  linkTo,
  type Shape,
  type Translation,
  translationIn,
} from "./entries.ts";
import type { Flusher } from "./flusher.ts";
import type { Journal, Place, Tree } from "./journal.ts";
import type { Random, Style } from "./style.ts";
import type { TableMemory } from "./table-memory.ts";
import type { Target } from "./target.ts";

/** What a driver has at hand. */
export interface Machine {
  readonly shape: Shape;
  readonly memory: TableMemory;
  readonly journal: Journal;
  readonly flusher: Flusher;
  readonly style: Style;
  readonly random: Random;
}

/** What walks may have found before. */
export type Inherited = (page: number) => Translation | undefined;

/** The largest level at which there are leaves. */
const TOP_LEAF = 2;

/** Single entries of one tree: finding them, replacing them, tables below them. */
export class TreeEditor {
  readonly machine: Machine;
  readonly tree: Tree;

  constructor(machine: Machine, tree: Tree) {
    this.machine = machine;
    this.tree = tree;
  }

  /** The entry that a walk for a page ends at, or the one at a level. */
  placeOf(page: number, level = 0): Place {
    const { shape } = this.machine;
    let table = this.tree.root;
    for (let at = shape.levels - 1; ; at--) {
      const span = shape.span(at);
      const place = {
        table,
        index: shape.indexOf(page, at),
        level: at,
        start: Math.floor(page / span) * span,
      };
      const word = this.read(place);
      if (at === level || !isLink(word, at)) return place;
      table = addressIn(word);
    }
  }
  read({ table, index }: Place): bigint {
    return this.machine.memory.read(table, index);
  }
  spanOf({ level }: Place): number {
    return this.machine.shape.span(level);
  }

  /** Replaces an entry; what stood there is on its way out of the caches from then on. */
  write(place: Place, word: bigint): void {
    const { journal, flusher } = this.machine;
    flusher.wrote([journal.store(this.tree, place, word)]);
  }
  /** Links a new table, which is visible by then. */
  link(place: Place, table: number): void {
    this.machine.journal.barrier();
    this.write(place, linkTo(table));
  }

  /** Entries of the table below a page, that of a level, for pages of a range. */
  *places(table: number, level: number, tableStart: number, start: number, end: number): Generator<Place> {
    const span = this.machine.shape.span(level);
    const first = Math.max(0, Math.floor((start - tableStart) / span));
    const last = Math.min(this.machine.shape.entries - 1, Math.floor((end - 1 - tableStart) / span));
    for (let index = first; index <= last; index++)
      yield { table, index, level, start: tableStart + index * span };
  }

  /** Tables below a link, itself included, lowest first. */
  *tablesBelow(word: bigint, level: number): Generator<number> {
    if (!isLink(word, level)) return;
    const table = addressIn(word);
    for (let index = 0; index < this.machine.shape.entries; index++)
      yield* this.tablesBelow(this.machine.memory.read(table, index), level - 1);
    yield table;
  }
  /** Takes out the table that an entry points to, with all below it. */
  dropTables(word: bigint, level: number): void {
    for (const table of this.tablesBelow(word, level)) this.machine.flusher.freeLater(table);
  }
  isEmptyTable(table: number): boolean {
    for (let index = 0; index < this.machine.shape.entries; index++)
      if (isPresent(this.machine.memory.read(table, index))) return false;
    return true;
  }

  /** The one leaf that says what is wanted on all its pages, or null. */
  leafFor(start: number, level: number, target: Target): Translation | null {
    const first = target.at(start);
    if (first === undefined || level > TOP_LEAF) return null;
    const span = this.machine.shape.span(level);
    if (first.frame % span !== 0) return null;
    for (let i = 1; i < span; i++)
      if (!isSame(target.at(start + i), { frame: first.frame + i, rights: first.rights })) return null;
    return first;
  }

  /**
   * A subtree that says what is wanted, built aside. `inherited`: what walks may have found before, so that pages which keep their
   * frame begin dirty; leaves are no larger than `most`.
   */
  buildWord(start: number, level: number, target: Target, most: number, inherited?: Inherited): bigint {
    const leaf = level <= most ? this.leafFor(start, level, target) : null;
    if (leaf !== null) return leafOf(leaf, level, this.#bitsFor(start, level, target, inherited));
    if (level === 0) return ABSENT;
    if (!target.hasAny(start, start + this.machine.shape.span(level))) return ABSENT;
    return linkTo(this.buildTable(start, level, target, most, inherited));
  }

  /** The table below an entry of this level. */
  buildTable(start: number, level: number, target: Target, most: number, inherited?: Inherited): number {
    const { shape, journal } = this.machine;
    const below = shape.span(level - 1);
    const words = Array.from({ length: shape.entries }, (_, i) =>
      this.buildWord(start + i * below, level - 1, target, most, inherited),
    );
    return journal.build(words, level - 1, start);
  }

  #bitsFor(start: number, level: number, target: Target, inherited: Inherited | undefined): bigint {
    if (!this.machine.journal.marksDirty || inherited === undefined) return 0n;
    for (let page = start; page < start + this.machine.shape.span(level); page++)
      if (inherited(page)?.frame === target.at(page)?.frame) return ACCESSED_DIRTY;
    return 0n;
  }

  /** What the tables say of a page now. */
  lookUp(page: number): Translation | undefined {
    const place = this.placeOf(page);
    const word = this.read(place);
    if (!isLeaf(word, place.level)) return undefined;
    const { frame, rights } = translationIn(word);
    return { frame: frame + page - place.start, rights };
  }
}
