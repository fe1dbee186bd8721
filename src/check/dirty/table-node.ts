import { NEVER } from "../script/positions.ts";
import type { TableLog } from "../script/table-log.ts";
import type { Coverage } from "../walks/coverage.ts";
import type { RootVersion } from "../walks/roots.ts";
import { type DirtyVersion, type HistorySource, TableHistory } from "./dirty-versions.ts";

const R_W = 3;

/** A walk may hold the table with these rights: the earliest position by generation, NEVER where it cannot. */
export interface Held {
  readonly rights: number;
  readonly earliest: Int32Array;
}

/** Entries of a table that share their history, where they stand in the tree. */
export interface Slot {
  readonly node: TableNode;
  readonly first: number;
  readonly count: number;
  /** First page of entry `first`, and pages of one entry. */
  readonly start: number;
  readonly span: number;
  readonly versions: readonly DirtyVersion[];
}

/** A version of an entry that points to a table. */
interface Link {
  readonly slot: Slot;
  readonly version: DirtyVersion;
}

/** The pages that one set of invalidations reaches under one tag, and the context entries with that tag. */
export interface View {
  readonly coverage: Coverage;
  readonly roots: readonly RootVersion[];
}

/** What of the hardware walks depend on. */
export interface WalkRules {
  readonly rightsAnded: boolean;
  rights(version: DirtyVersion): number;
}

/** One life of a table at one place of the tree, with every way that ever led to it. */
export class TableNode {
  readonly table: number;
  readonly log: TableLog | null;
  readonly level: number;
  readonly base: number;
  readonly #source: HistorySource;
  readonly #rules: WalkRules;
  readonly #roots: RootVersion[] = [];
  readonly #links: Link[] = [];
  /** The tables as they were, or as they are when all is done, lead here. */
  isFirst = false;
  isFinal = false;
  #history: TableHistory | null = null;
  #slot: Slot | null = null;
  readonly #views: (View | undefined)[] = [];
  readonly #held: (readonly Held[])[] = [];

  constructor(
    source: HistorySource,
    rules: WalkRules,
    table: number,
    log: TableLog | null,
    level: number,
    base: number,
  ) {
    this.#source = source;
    this.#rules = rules;
    this.table = table;
    this.log = log;
    this.level = level;
    this.base = base;
  }

  get freedAt(): number {
    return this.log?.freedAt ?? NEVER;
  }

  addRoot(root: RootVersion): void {
    this.#roots.push(root);
    this.isFirst ||= root.step === 0;
    this.isFinal ||= root.until === NEVER;
  }

  addLink(slot: Slot, version: DirtyVersion): void {
    this.#links.push({ slot, version });
    this.isFirst ||= slot.node.isFirst && version.step === 0;
    this.isFinal ||= slot.node.isFinal && version.until === NEVER;
  }

  /** True iff it has been reached, since before the script, through entries that no step writes. */
  get isWhereItWas(): boolean {
    return this.isFirst && this.isFinal && this.#links.length + this.#roots.length === 1;
  }

  /** The entries that share their history with one, from that one on or around it. */
  slotAt(index: number): Slot {
    const known = this.#slot;
    if (known !== null && known.first <= index && index < known.first + known.count) return known;
    const { first, count, versions } = this.#entries.at(index);
    const span = this.#source.geometry.span(this.level);
    const start = this.base + first * span;
    return (this.#slot = { node: this, first, count, start, span, versions });
  }

  get #entries(): TableHistory {
    return (this.#history ??= new TableHistory(this.#source, this.table, this.log, this.level));
  }

  /** The words as they were before the script; null where this life of the table begins with it, or nobody has them. */
  get words(): Uint32Array | null {
    return this.#entries.words;
  }

  /** End of the entries from one on that nothing but the very same collects does anything to. */
  onlyCollectedUntil(index: number): number {
    return this.#entries.onlyCollectedUntil(index);
  }

  /** How walks under the `tag`-th tag may hold it. Pre: a view is asked for again and again, not in turn with others. */
  held(tag: number, view: View): readonly Held[] {
    if (this.#views[tag] !== view) {
      this.#views[tag] = view;
      this.#held[tag] = this.#hold(tag, view);
    }
    return this.#held[tag]!;
  }

  #hold(tag: number, view: View): readonly Held[] {
    const { coverage, roots } = view;
    const { begins, generations } = coverage;
    const held: { rights: number; earliest: Int32Array }[] = [];
    const withRights = (rights: number): Int32Array => {
      let found = held.find((h) => h.rights === rights);
      if (found === undefined)
        held.push((found = { rights, earliest: new Int32Array(generations).fill(NEVER) }));
      return found.earliest;
    };
    for (const root of this.#roots) {
      if (!roots.includes(root)) continue;
      const earliest = withRights(R_W);
      for (let g = 0; g < generations; g++) {
        const at = Math.max(begins[g]!, root.step);
        if (at < Math.min(root.beginsUntil, begins[g + 1]!)) earliest[g] = Math.min(earliest[g]!, at);
      }
    }
    for (const { slot, version } of this.#links)
      loadsOf(slot, version, tag, view, this.#rules, (rights, g, from) => {
        if (rights === 0) return;
        const earliest = withRights(rights);
        earliest[g] = Math.min(earliest[g]!, from);
      });
    return held;
  }
}

/** Tells every generation in which a version can be loaded: with what rights, from when on, and until when. */
export function loadsOf(
  { node }: Slot,
  version: DirtyVersion,
  tag: number,
  view: View,
  rules: WalkRules,
  found: (rights: number, generation: number, from: number, to: number) => void,
): void {
  const { coverage } = view;
  const { begins, deaths, generations } = coverage;
  const until = Math.min(version.readableUntil, node.freedAt);
  const own = rules.rights(version);
  for (const { rights, earliest } of node.held(tag, view))
    for (let g = coverage.firstAlive(version.step); g < generations && begins[g]! < until; g++) {
      const from = Math.max(earliest[g]!, version.step);
      const to = Math.min(until, deaths[g]!);
      if (from < to) found(rules.rightsAnded ? own & rights : own, g, from, to);
    }
}
