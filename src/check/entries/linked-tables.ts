import type { CallContents, ScriptDomain } from "../../edit-script/index.ts";
import type { Pfn } from "../../units/index.ts";
import { type Decoder, TABLE } from "./entry-kind.ts";
import { highWord, lowWord } from "./entry-words.ts";

type Root = Pick<ScriptDomain, "root" | "levels">;

/** What tables hold, and where walks begin. */
export interface TableState {
  readonly contents: CallContents;
  readonly domains: readonly Root[];
}

/**
 * The tables that walks can get to, and how often each is led to, so that going on to the next call of a recording costs what the call
 * writes. Levels fall on the way down: counting is exact whatever leads where.
 */
export class LinkedTables {
  readonly #decoder: Decoder;
  /** By level: how many entries lead there to a table, of tables that are led to; a root counts as one more. */
  readonly #counts: Map<Pfn, number>[] = [];
  #state: TableState;
  /** Tables that have been gone on with, while going on. */
  readonly #done = new Set<Pfn>();
  #next: CallContents;

  constructor(decoder: Decoder, state: TableState) {
    this.#decoder = decoder;
    this.#state = state;
    this.#next = state.contents;
    for (const { root, levels } of state.domains) this.#hold(root, levels - 1);
  }

  has(table: Pfn): boolean {
    return this.#counts.some((counts) => counts.has(table));
  }

  /** True iff more than one entry leads to a table. */
  isShared(table: Pfn): boolean {
    let links = 0;
    for (const counts of this.#counts) links += counts?.get(table) ?? 0;
    for (const { root } of this.#state.domains) if (root === table) links--;
    return links > 1;
  }

  /** True iff it stands for this call. */
  isAt({ contents }: TableState): boolean {
    return contents === this.#state.contents;
  }

  /** Goes on to a later call; false where that cannot be told from what was before. */
  goTo(state: TableState): boolean {
    const [from, to] = [this.#state, state];
    if (this.isAt(to)) return true;
    if (to.contents.number < from.contents.number) return false;
    this.#next = to.contents;
    // What moves is held in its new place before the old one is let go, so that what is below is not looked at.
    for (const { root, levels } of to.domains) this.#hold(root, levels - 1);
    for (const table of from.contents.changed()) this.#change(table);
    for (const { root, levels } of from.domains) this.#release(root, levels - 1);
    this.#state = state;
    this.#done.clear();
    return true;
  }

  #change(table: Pfn): void {
    const old = this.#contentOf(table);
    this.#done.add(table);
    const now = this.#contentOf(table);
    const levels = [...this.#counts.keys()].filter((level) => level > 0 && this.#counts[level]?.has(table));
    const differs = (index: number): boolean => old?.[index] !== now?.[index];
    for (const level of levels) this.#eachOf(now, level, differs, (child) => this.#hold(child, level - 1));
    for (const level of levels) this.#eachOf(old, level, differs, (child) => this.#release(child, level - 1));
  }

  #hold(table: Pfn, level: number): void {
    this.#counts[level] ??= new Map();
    const counts = this.#counts[level];
    const count = counts.get(table) ?? 0;
    counts.set(table, count + 1);
    if (count === 0) this.#eachChild(table, level, (child) => this.#hold(child, level - 1));
  }

  #release(table: Pfn, level: number): void {
    const counts = this.#counts[level]!;
    const count = counts.get(table)!;
    if (count > 1) {
      counts.set(table, count - 1);
      return;
    }
    counts.delete(table);
    this.#eachChild(table, level, (child) => this.#release(child, level - 1));
  }

  /** What a table holds as far as it was counted. */
  #contentOf(table: Pfn): BigUint64Array | undefined {
    return this.#countedIn(table).get(table);
  }
  #countedIn(table: Pfn): CallContents {
    return this.#done.has(table) ? this.#next : this.#state.contents;
  }

  /** The tables that the entries of a table lead to. */
  #eachChild(table: Pfn, level: number, take: (child: Pfn) => void): void {
    if (level === 0) return;
    this.#countedIn(table).each(table, (_, lo, hi) => {
      if (this.#decoder.kind(level, lo, hi) === TABLE) take(this.#decoder.frame(lo, hi) as Pfn);
    });
  }

  /** Those that some entries of a content lead to. */
  #eachOf(
    content: BigUint64Array | undefined,
    level: number,
    takes: (index: number) => boolean,
    take: (child: Pfn) => void,
  ): void {
    if (content === undefined || level === 0) return;
    for (let index = 0; index < content.length; index++) {
      const entry = content[index]!;
      if (entry === 0n || !takes(index)) continue;
      const [lo, hi] = [lowWord(entry), highWord(entry)];
      if (this.#decoder.kind(level, lo, hi) === TABLE) take(this.#decoder.frame(lo, hi) as Pfn);
    }
  }
}

/** The same for the calls of a recording, made when somebody asks. */
export class CarriedLinks {
  readonly #decoder: Decoder | undefined;
  readonly #linkedAtFirst: () => ReadonlySet<number>;
  #first: ReadonlySet<number> | null = null;
  #links: LinkedTables | null = null;

  /** `decoder`: undefined where nobody knows the format. `linkedAtFirst`: the tables that entries lead to in front of the first call. */
  constructor(decoder: Decoder | undefined, linkedAtFirst: () => ReadonlySet<number>) {
    this.#decoder = decoder;
    this.#linkedAtFirst = linkedAtFirst;
  }

  /** Goes on to the next call, as far as anybody has asked. */
  begin(state: TableState): void {
    if (this.#links?.goTo(state) === false) this.#links = null;
  }

  /** True iff walks can get to a table. */
  has(table: Pfn, state: TableState): boolean {
    return this.#at(state)?.has(table) ?? false;
  }

  /** True iff earlier calls have made entries lead to a page that holds no table: no entry did so before the first. */
  isHollow(table: Pfn, { contents }: TableState): boolean {
    return !contents.has(table) && !(this.#first ??= this.#linkedAtFirst()).has(table);
  }

  /** True iff more than one entry leads to a table. */
  isShared(table: Pfn, state: TableState): boolean {
    return this.#at(state)?.isShared(table) ?? false;
  }

  #at(state: TableState): LinkedTables | null {
    if (this.#decoder === undefined) return null;
    if (!this.#links?.isAt(state)) this.#links = new LinkedTables(this.#decoder, state);
    return this.#links;
  }
}
