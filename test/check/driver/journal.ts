import type {
  FreeTableStep,
  InvalidateStep,
  Step,
  UnpinStep,
  WaitStep,
} from "../../../src/edit-script/index.ts";
import { iovaPfn, pfn } from "../../../src/units/index.ts";
import { ACCESSED_DIRTY, isLeaf, isPresent } from "./entries.ts";
import type { Span } from "./page-map.ts";
import type { Random, Style } from "./style.ts";
import type { TableMemory } from "./table-memory.ts";

/** Tables that devices walk, under one tag or several. */
export interface Tree {
  root: number;
  tags: { readonly tag: number; readonly iommu: number }[];
}

/** Where an entry is. */
export interface Place {
  readonly table: number;
  readonly index: number;
  readonly level: number;
  /** First page below it. */
  readonly start: number;
}

/** An entry that was replaced. */
export interface Written extends Place, Span {
  readonly step: Step;
  /** How many steps were taken before it. */
  readonly order: number;
  readonly tree: Tree;
  readonly before: bigint;
  readonly after: bigint;
}

/** A table that was filled aside. */
export interface Filled {
  readonly table: number;
  readonly level: number;
  readonly start: number;
  readonly steps: readonly Step[];
  /** How many steps were taken before it was filled. */
  readonly order: number;
  readonly words: readonly bigint[];
}

/** How what was overwritten has left the caches. */
export interface Flushed {
  readonly written: readonly Written[];
  readonly barriers: readonly Step[];
  readonly invalidations: readonly InvalidateStep[];
  readonly waits: readonly WaitStep[];
}

export const BARRIER = (): Step => ({ op: "barrier" });

/** The steps a driver takes, carried out at once, and what each of them is for. */
export class Journal {
  readonly steps: Step[] = [];
  readonly written: Written[] = [];
  readonly filled: Filled[] = [];
  readonly flushed: Flushed[] = [];
  readonly freed: FreeTableStep[] = [];
  readonly unpinned: UnpinStep[] = [];
  readonly #memory: TableMemory;
  readonly #style: Style;
  readonly #random: Random;
  #update = 1;

  constructor(memory: TableMemory, style: Style, random: Random) {
    this.#memory = memory;
    this.#style = style;
    this.#random = random;
  }

  get isCoherent(): boolean {
    return !this.#style.profile.variants.includes("-nc");
  }
  get marksDirty(): boolean {
    return this.#style.profile.variants.includes("-ad");
  }

  push<S extends Step>(step: S): S {
    this.steps.push(step);
    return step;
  }

  /** As many as are needed, and sometimes one more. */
  barrier(): Step[] {
    const count = this.#style.moreBarriers ? 1 + this.#random(2) : 1;
    return Array.from({ length: count }, () => this.push(BARRIER()));
  }

  /** A new table, filled and cleaned; it has yet to be linked, behind a barrier. */
  build(words: readonly bigint[], level: number, start: number): number {
    const table = this.#memory.take(this.#style.recycles && this.#random(4) > 0);
    words.forEach((word, index) => {
      this.#memory.write(table, index, word);
    });
    const first = this.steps.length;
    if (this.#style.gathers) this.#gather(table, words);
    else this.#fill(table, words);
    this.filled.push({ table, level, start, steps: this.steps.slice(first), order: first, words });
    if (!this.isCoherent) this.#cleanAll(table);
    return table;
  }

  #gather(table: number, words: readonly bigint[]): void {
    const isEmpty = words.every((word) => word === 0n);
    const all = this.#style.zeroes || isEmpty;
    const index = all ? 0 : words.findIndex((word) => word !== 0n);
    const end = all ? words.length : words.findLastIndex((word) => word !== 0n) + 1;
    const update = this.#update++;
    this.push({ op: "gather", update, table: pfn(table), index, entries: words.slice(index, end) });
  }

  #fill(table: number, words: readonly bigint[]): void {
    const update = this.#update++;
    const isEmpty = words.every((word) => word === 0n);
    for (let index = 0; index < words.length; ) {
      const first = words[index]!;
      const stride = (words[index + 1] ?? first) - first;
      let count = 1;
      while (index + count < words.length && words[index + count] === first + stride * BigInt(count)) count++;
      if (first === 0n && stride !== 0n) count = 1;
      if (first !== 0n || stride !== 0n || this.#style.zeroes || isEmpty)
        this.push({
          op: "fill",
          update,
          table: pfn(table),
          index,
          count,
          first,
          stride: count > 1 ? stride : 0n,
        });
      index += count;
    }
  }

  #cleanAll(table: number): void {
    const { entries } = this.#memory.shape;
    const cut = this.#random(2) === 0 ? entries : 1 + this.#random(entries - 1);
    this.push({ op: "clean", table: pfn(table), index: 0, count: cut });
    if (cut < entries) this.push({ op: "clean", table: pfn(table), index: cut, count: entries - cut });
  }

  /** Replaces an entry that walkers can reach. */
  store(tree: Tree, place: Place, after: bigint): Written {
    const before = this.#memory.read(place.table, place.index);
    const update = this.#update++;
    const at = { update, table: pfn(place.table), index: place.index };
    const mustCarry = this.marksDirty && isLeaf(before, place.level) && isPresent(after);
    const step: Step =
      mustCarry || this.#style.exchange
        ? { op: "exchange", ...at, expected: before, entry: after }
        : { op: "store", ...at, entry: after };
    const bits = mustCarry && isLeaf(after, place.level) ? before & ACCESSED_DIRTY : 0n;
    this.push(step);
    return this.#note(tree, place, before, after | bits, step);
  }

  /** Replaces entries in a row by `first + i * stride`. Pre: nothing is to be carried over. */
  storeRun(tree: Tree, places: readonly Place[], first: bigint, stride: bigint): Written[] {
    const [{ table, index }] = places as [Place];
    const count = places.length;
    const step = this.push({
      op: "storeRun",
      update: this.#update++,
      table: pfn(table),
      index,
      count,
      first,
      stride,
    });
    return places.map((place, i) => {
      const before = this.#memory.read(place.table, place.index);
      return this.#note(tree, place, before, first + BigInt(i) * stride, step);
    });
  }

  #note(tree: Tree, place: Place, before: bigint, after: bigint, step: Step): Written {
    this.#memory.write(place.table, place.index, after);
    const end = place.start + this.#memory.shape.span(place.level);
    const written = { ...place, end, step, order: this.steps.length, tree, before, after };
    this.written.push(written);
    if (!this.isCoherent) this.push({ op: "clean", table: pfn(place.table), index: place.index, count: 1 });
    return written;
  }

  switchRoot(tag: number, root: number, levels: number, next: number): Step {
    const update = this.#update++;
    return this.push({ op: "setRoot", update, domain: tag, root: pfn(root), levels, tag: next });
  }
  window(state: "open" | "close", tag: number, start: number, pages: number): void {
    this.push({ op: "window", state, domain: tag, iovaPfn: iovaPfn(start), pages });
  }
  free(table: number): void {
    this.freed.push(this.push({ op: "freeTable", table: pfn(table) }));
    this.#memory.give(table);
  }
  unpin(frame: number, pages: number): void {
    this.unpinned.push(this.push({ op: "unpin", pfn: pfn(frame), pages }));
  }
}
