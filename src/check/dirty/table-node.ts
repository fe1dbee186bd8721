import { NEVER } from "../script/positions.ts";
import type { TableLog } from "../script/table-log.ts";
import type { Coverage } from "../walks/coverage.ts";
import { firstIn, type Holding, heldBehind, holdAlso } from "../walks/held-table.ts";
import type { RootVersion } from "../walks/roots.ts";
import { type DirtyVersion, type HistorySource, TableHistory } from "./dirty-versions.ts";

const R_W = 3;

/** A walk may hold the table with these rights. */
interface Held extends Holding {
  readonly rights: number;
}

/** Generations that follow each other, of which each can load a version. */
export interface Loads {
  readonly first: number;
  readonly last: number;
  /** Positions between which those of one generation do. */
  from(generation: number): number;
  to(generation: number): number;
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
  /** By tag, with the context entries that have it. */
  readonly #held: { readonly roots: readonly RootVersion[]; readonly all: readonly Held[] }[] = [];

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

  /** How walks under the `tag`-th tag may hold it; `roots` are the context entries with that tag. */
  held(tag: number, roots: readonly RootVersion[]): readonly Held[] {
    if (this.#held[tag]?.roots !== roots) this.#held[tag] = { roots, all: this.#hold(tag, roots) };
    return this.#held[tag].all;
  }

  #hold(tag: number, roots: readonly RootVersion[]): readonly Held[] {
    const all: Held[] = [];
    for (const root of this.#roots)
      if (roots.includes(root))
        all.push({ rights: R_W, begun: root.step, from: root.step, bound: root.beginsUntil, later: null });
    for (const { slot, version } of this.#links) {
      const { node } = slot;
      const own = this.#rules.rights(version);
      const until = Math.min(version.readableUntil, node.freedAt);
      for (const above of node.held(tag, roots)) {
        const rights = this.#rules.rightsAnded ? own & above.rights : own;
        if (rights === 0) continue;
        const same = all.find((held) => held.rights === rights && held.begun === above.begun);
        if (same !== undefined) holdAlso(same, above, version.step, until);
        else {
          const holding = heldBehind(above, version.step, until);
          if (holding !== null) all.push({ rights, ...holding });
        }
      }
    }
    return all;
  }
}

/** Tells the generations in which a version can be loaded: with what rights, from when on, and until when. */
export function loadsOf(
  { node }: Slot,
  version: DirtyVersion,
  tag: number,
  { coverage, roots }: View,
  rules: WalkRules,
  found: (rights: number, loads: Loads) => void,
): void {
  const { step } = version;
  const until = Math.min(version.readableUntil, node.freedAt);
  const own = rules.rights(version);
  for (const held of node.held(tag, roots)) {
    const rights = rules.rightsAnded ? own & held.rights : own;
    for (const time of [held, ...(held.later ?? [])]) {
      const first = firstIn(time, held.begun, coverage, step, until);
      if (first < 0) continue;
      found(rights, {
        first,
        last: coverage.lastBegun(Math.min(time.bound, until)),
        from: (g) => Math.max(coverage.begins[g]!, time.from, step),
        to: (g) => Math.min(until, coverage.deaths[g]!),
      });
    }
  }
}
