import type { Decision } from "../decide.ts";
import type { DecideOptions } from "../decide-options.ts";
import { type Decoder, LEAF, TABLE } from "../entries/entry-kind.ts";
import type { Geometry } from "../entries/geometry.ts";
import { VersionReader } from "../entries/versions.ts";
import type { TablesBefore } from "../input.ts";
import { firstAtLeast } from "../lists/ascending.ts";
import { NEVER } from "../script/positions.ts";
import type { ScriptLog } from "../script/script-log.ts";
import type { RootVersion } from "../walks/roots.ts";
import type { DirtyVersion, HistorySource } from "./dirty-versions.ts";
import { LeafColumns } from "./leaf-columns.ts";
import { type LeafTable, onlyLeafTable } from "./leaf-table.ts";
import { NearInvalidations } from "./near-invalidations.ts";
import { selfTelling } from "./self-telling.ts";
import { isSteady, OPEN, STEADY, steadyEntries } from "./steady-entries.ts";
import { type Slot, TableNode, type WalkRules } from "./table-node.ts";

/** The tables of one level at one place, and the entries above them that lead there or have led there. */
interface Stage {
  readonly base: number;
  readonly nodes: readonly TableNode[];
  readonly above: readonly Slot[];
  /** Of a stage of leaves, when it was asked for: by entry, `OPEN` where only histories tell. */
  plain: Uint8Array | null;
  /** The same where columns tell all there is to know of them; null where they do not. */
  leaves: Leaves | null | undefined;
}

/** Every entry that translates a page, or ever did: the same for all pages before `end`, up to the frames. */
export interface Stretch {
  readonly slots: readonly Slot[];
  readonly end: number;
}

/** Pages before `end` on which no D bit can get lost: nothing there changes. */
interface Rest {
  readonly slots: null;
  readonly leaves: null;
  readonly end: number;
}

/** Pages, before `end`, of which nothing matters but their entries in one table. */
export interface Leaves {
  readonly slots: null;
  readonly leaves: LeafTable;
  /** By entry, `OPEN` where only columns tell. */
  readonly plain: Uint8Array;
  readonly end: number;
}

/**
 * Pages whose entries are not looked at:
 * `told`: nothing is done to any entry that leads to them, or the leaves tell in the end what was written;
 * `resting`: only entries above them change, and the table that they lead to stays;
 * `safe`: also where the leaves show that no D bit gets lost.
 */
export type Skipped = "told" | "resting" | "safe";

/** What a tree is made from. */
export interface TreeContext {
  readonly log: ScriptLog;
  readonly tables: TablesBefore;
  readonly geometry: Geometry;
  readonly decoder: Decoder;
  readonly source: HistorySource;
  readonly rules: WalkRules;
  readonly skips: Skipped;
  /** Under the tag of the first root: a table that alone leads to its pages is reached from no other. */
  readonly near: NearInvalidations;
  /** True iff a table in these pages is written, freed or collected from, as they were before the script. */
  isTouched(start: number, end: number): boolean;
}

/** Follows pointers, those of any time, from the roots to pages that are asked for in ascending order. */
export class PageTree {
  readonly #context: TreeContext;
  readonly roots: readonly RootVersion[];
  readonly #first: RootVersion;
  readonly #top: number;
  readonly #stages: (Stage | undefined)[] = [];

  constructor(context: TreeContext, roots: readonly RootVersion[]) {
    this.#context = context;
    this.roots = roots;
    this.#first = roots[0]!;
    this.#top = Math.max(...roots.map((root) => root.levels)) - 1;
    this.#stages[this.#top] = this.#stage(this.#top, 0, [], []);
  }

  /** The tree of a domain. Pre: with `only` in the options, no page but those is asked for. */
  static of(decision: Decision, options: DecideOptions, domain: number, skips: Skipped): PageTree {
    const { input, log, geometry, decoder } = decision;
    const { tables, capability } = input;
    const { mode, collapse } = options;
    const rules: WalkRules = {
      rightsAnded: capability.rightsAnded,
      rights: ({ lo, hi }) => decoder.rights(lo, hi),
    };
    const lingering = new VersionReader(log, tables, decoder, mode, capability.coherentWalk);
    const source = { words: log.words, tables, decoder, geometry, lingering, collapse };
    const bases = options.only === null ? touchedBases(decision, domain) : null;
    const isTouched = (start: number, end: number): boolean =>
      bases === null || hasBetween(bases, start, end);
    const roots = decision.rootsOf(domain, mode);
    const near = new NearInvalidations(decision, roots[0]!.tag);
    return new PageTree({ log, tables, geometry, decoder, source, rules, skips, near, isTouched }, roots);
  }

  get source(): HistorySource {
    return this.#context.source;
  }
  get rules(): WalkRules {
    return this.#context.rules;
  }
  get near(): NearInvalidations {
    return this.#context.near;
  }

  /** The entries of a page, or what stands for them; with `isWhole`, never the one that alone matters. */
  at(page: number, isWhole = false): Stretch | Rest | Leaves {
    const { geometry } = this.#context;
    let level = 0;
    for (; level <= this.#top; level++) {
      const stage = this.#stages[level];
      if (stage !== undefined && stage.base <= page && page < stage.base + geometry.tableSpan(level)) break;
    }
    if (level > this.#top) return { slots: [], end: Infinity };
    for (; ; level--) {
      if (level === 0 && this.#context.skips !== "resting") {
        const stage = this.#stages[0]!;
        stage.plain ??= this.#plainOf(stage);
        const end = plainUntil(stage.plain, stage.base, page);
        if (end > page) return { slots: null, leaves: null, end };
        if (stage.leaves === undefined) stage.leaves = this.#leavesOf(stage, stage.plain);
        if (stage.leaves !== null && !isWhole) return stage.leaves;
      }
      const { base, nodes, above } = this.#stages[level]!;
      const span = geometry.span(level);
      const index = Math.floor((page - base) / span);
      const start = base + index * span;
      let end = base + geometry.tableSpan(level);
      const slots = above.slice();
      for (const node of nodes) {
        const slot = node.slotAt(index);
        slots.push(slot);
        end = Math.min(end, slot.start + slot.count * span);
      }
      if (level === 0) return { slots, end };
      const links = slots
        .slice(above.length)
        .flatMap((slot) =>
          slot.versions.filter((v) => v.kind === TABLE).map((version) => ({ slot, version })),
        );
      if (links.length === 0 && !this.#hasRootBelow(level, start)) return { slots, end };
      if (this.#isAtRest(slots, links, start, start + span))
        return { slots: null, leaves: null, end: start + span };
      this.#stages[level - 1] = this.#stage(level - 1, start, slots, links);
    }
  }

  #plainOf(stage: Stage): Uint8Array {
    const { source, rules, skips } = this.#context;
    return skips === "safe"
      ? this.#safe(stage)
      : selfTelling(source, stage.nodes, stage.above, rules.rightsAnded);
  }

  #leavesOf({ base, nodes, above }: Stage, plain: Uint8Array): Leaves | null {
    const { source, rules, skips } = this.#context;
    const leaves = skips === "safe" ? onlyLeafTable(rules, nodes, above) : null;
    if (leaves === null || !LeafColumns.fits(source, leaves.log)) return null;
    return { slots: null, leaves, plain, end: base + source.geometry.entries };
  }

  #safe({ nodes, above }: Stage): Uint8Array {
    const { source, rules, near } = this.#context;
    const only = onlyLeafTable(rules, nodes, above);
    if (only !== null) return steadyEntries(source, only.table, only.log, true, { ...only, near });
    const said = (node: TableNode): Uint8Array =>
      steadyEntries(source, node.table, node.log, node.isFinal && node.freedAt === NEVER, null);
    const last = nodes.findLast((node) => node.isFinal);
    const safe = last === undefined ? new Uint8Array(source.geometry.entries).fill(STEADY) : said(last);
    const rest = nodes.filter((node) => node !== last);
    const isAboveSteady = isSteady(above);
    if (isAboveSteady && rest.length === 0) return safe;
    // What ends dirty is safe whatever the other tables hold.
    if (!safe.includes(OPEN) && !safe.includes(STEADY)) return safe;
    const others = isAboveSteady ? rest.map(said) : null;
    for (let i = 0; i < safe.length; i++)
      if (safe[i] === STEADY && (others === null || others.some((other) => other[i] === OPEN)))
        safe[i] = OPEN;
    return safe;
  }

  #hasRootBelow(level: number, start: number): boolean {
    return start === 0 && this.roots.some((root) => root.levels <= level);
  }

  #stage(
    level: number,
    base: number,
    above: readonly Slot[],
    links: readonly { readonly slot: Slot; readonly version: DirtyVersion }[],
  ): Stage {
    const { log, decoder, source, rules } = this.#context;
    const nodes: TableNode[] = [];
    const nodeOf = (table: number, step: number): TableNode => {
      const own = log.logAt(table, step);
      let node = nodes.find((n) => n.table === table && n.log === own);
      if (node === undefined) nodes.push((node = new TableNode(source, rules, table, own, level, base)));
      return node;
    };
    if (base === 0)
      for (const root of this.roots)
        if (root.levels - 1 === level) nodeOf(root.table, root.step).addRoot(root);
    for (const { slot, version } of links)
      nodeOf(decoder.frame(version.lo, version.hi), version.step).addLink(slot, version);
    return { base, nodes, above, plain: null, leaves: undefined };
  }

  /** True iff only one table is left to go through, it stays, and nobody does anything to it or below it. */
  #isAtRest(
    slots: readonly Slot[],
    links: readonly { readonly slot: Slot; readonly version: DirtyVersion }[],
    start: number,
    end: number,
  ): boolean {
    const { log, decoder } = this.#context;
    if (slots.some((slot) => slot.versions.some((v) => v.kind === LEAF))) return false;
    const isUntouched = slots.every(({ node, versions }) => node.isWhereItWas && versions.length === 1);
    if (this.#context.skips === "told" && !isUntouched) return false;
    const [first] = links;
    const table = decoder.frame(first!.version.lo, first!.version.hi);
    const { level } = first!.slot.node;
    if (links.some(({ version: { lo, hi } }) => decoder.frame(lo, hi) !== table)) return false;
    if (!links.some(({ slot, version }) => slot.node.isFinal && version.end === "never")) return false;
    return (
      log.logAt(table, 0) === null &&
      !this.#context.isTouched(start, end) &&
      this.#stoodBefore(table, level - 1, start)
    );
  }

  #stoodBefore(table: number, level: number, base: number): boolean {
    const { geometry, tables, decoder } = this.#context;
    let at = this.#first.table;
    for (let above = this.#first.levels - 1; above > level; above--) {
      const entry = tables.entry(at as never, Math.floor(base / geometry.span(above)) % geometry.entries);
      const lo = Number(entry & 0xffff_ffffn);
      const hi = Number(entry >> 32n);
      if (decoder.kind(above, lo, hi) !== TABLE) return false;
      at = decoder.frame(lo, hi);
    }
    return at === table;
  }
}

/**
 * End of the pages from one on that are left out, as the entries of their leaves show, which begin with that of page `base`; that page
 * where it is not.
 */
export function plainUntil(plain: Uint8Array, base: number, page: number): number {
  let index = page - base;
  while (index < plain.length && plain[index] !== OPEN) index++;
  return base + index;
}

/** First pages of the tables that the script does something to, ascending, but for the roots. */
function touchedBases(decision: Decision, domain: number): number[] {
  const located = decision.interests.get(domain)?.located ?? [];
  return located
    .filter((t) => t.parent !== null)
    .map((t) => t.base)
    .sort((a, b) => a - b);
}

const hasBetween = (sorted: readonly number[], start: number, end: number): boolean =>
  (sorted[firstAtLeast(sorted, start)] ?? Infinity) < end;
