import { type ScriptFile, tableRuns } from "../../edit-script/index.ts";
import type { Pfn } from "../../units/index.ts";
import { Decision } from "../decide.ts";
import { Copies } from "../dirty/copies.ts";
import { PageEntries } from "../dirty/fate.ts";
import { PageTree } from "../dirty/page-tree.ts";
import { PageViews } from "../dirty/page-views.ts";
import { letWrites } from "../dirty/self-telling.ts";
import { LEAF } from "../entries/entry-kind.ts";
import type { CheckInput, MemoryMode, ReaderInput } from "../input.ts";
import { RangeList, type Ranges } from "../lists/ranges.ts";
import { NOTHING } from "../maps/joint-map.ts";
import { NEVER } from "../script/positions.ts";
import type { ScriptLog } from "../script/script-log.ts";
import { inputOf } from "./script-file.ts";

const ENTRIES = 512;
const keyOf = (table: number, index: number): number => table * ENTRIES + index;

/** Entries whose D bit devices may have set, whatever the entries were written with. */
export class MaybeDirty {
  /** Where nothing is known of earlier calls. */
  static readonly NONE = new MaybeDirty(new Map());
  /** By table, 1 for such entries; no table is without one. What a call leaves alone is shared with the next. */
  readonly #tables: ReadonlyMap<number, Uint8Array>;

  private constructor(tables: ReadonlyMap<number, Uint8Array>) {
    this.#tables = tables;
  }

  has(table: number, index: number): boolean {
    return this.#tables.get(table)?.[index] === 1;
  }

  /** A script as it is to be given where nothing is known of earlier calls: with D = 1 in these entries. */
  writtenInto(file: ScriptFile): ScriptFile {
    const { entry } = inputOf(file).tables;
    const bits = file.capability.walkerBits;
    const now = (table: Pfn, index: number): bigint =>
      entry(table, index) | (this.has(table, index) ? bits : 0n);
    const tables = file.tables.filter(({ table }) => !this.#tables.has(table));
    for (const table of this.#tables.keys() as Iterable<Pfn>)
      tables.push(...tableRuns(table, (index) => now(table, index)));
    return { ...file, tables };
  }

  /**
   * Those after a call that ran a script on these tables: on pages that the script touches, leaves in which D can be 1 in the
   * end; elsewhere the same as before. Pre: the input's `mayBeDirty` is this one's.
   */
  after(input: CheckInput | ReaderInput, mode: MemoryMode): MaybeDirty {
    if (!input.capability.hardwareDirty) return this;
    const decision = new Decision(input);
    const gone = new Set<number>();
    const come = new Set<number>();
    const visit = (key: number, mayBeDirty: boolean): void => {
      if (mayBeDirty) come.add(key);
      else if (this.has(Math.floor(key / ENTRIES), key % ENTRIES)) gone.add(key);
    };
    if (this.#tables.size > 0) writtenEntries(decision.log, (key) => visit(key, false));
    for (const { id } of input.domains) visitEntries(decision, mode, id, visit);
    if (gone.size === 0 && come.size === 0) return this;
    const tables = new Map(this.#tables);
    const own = new Map<number, Uint8Array>();
    const set = (key: number, bit: 0 | 1): void => {
      const table = Math.floor(key / ENTRIES);
      let bits = own.get(table);
      if (bits === undefined) {
        bits = tables.get(table)?.slice() ?? new Uint8Array(ENTRIES);
        own.set(table, bits);
        tables.set(table, bits);
      }
      bits[key % ENTRIES] = bit;
    };
    for (const key of gone) set(key, 0);
    for (const key of come) set(key, 1);
    for (const [table, bits] of own) if (!bits.includes(1)) tables.delete(table);
    return new MaybeDirty(tables);
  }
}

/** Tells of the entries that a script overwrites or collects from, also where nobody can reach them, and of tables it frees. */
function writtenEntries(log: ScriptLog, visit: (key: number) => void): void {
  const each = (table: number, index: number, count: number): void => {
    for (let i = index; i < Math.min(ENTRIES, index + count); i++) visit(keyOf(table, i));
  };
  for (const own of log.logs()) {
    const { table, collects, freedAt } = own;
    if (freedAt !== NEVER) each(table, 0, ENTRIES);
    for (let k = 0; k < own.writes; k++) {
      const span = log.words[own.record(k) + 3]!;
      each(table, span & 0xffff, span >>> 16);
    }
    for (const { index, count } of collects) each(table, index, count);
  }
}

/**
 * Tells of every entry that translates a page the script touches, or did, whether its D bit can be 1 in the end and no write
 * that comes later need have set it.
 */
function visitEntries(
  decision: Decision,
  mode: MemoryMode,
  domain: number,
  visit: (key: number, mayBeDirty: boolean) => void,
): void {
  const how = { mode, collapse: true, skipUntouched: true, journalRules: false, only: null } as const;
  const pages = touchedPages(decision);
  const tree = PageTree.of(decision, how, domain, "told");
  const views = new PageViews(decision, tree.roots, () => pages);
  for (let r = 0; r < pages.starts.length; r++)
    for (let page = pages.starts[r]!, end = pages.ends[r]!; page < end; ) {
      const { slots, end: same } = tree.at(page);
      if (slots === null || slots.length === 0) {
        page = Math.min(end, same);
        continue;
      }
      views.enter(page);
      const until = Math.min(end, same, views.alikeUntil(slots, page));
      const copies = new Copies(
        new PageEntries(slots, decision.decoder),
        views.all,
        tree.rules,
        decision.decoder,
        page,
      );
      const isWritable = letWrites(slots, decision.decoder, decision.input.capability.rightsAnded);
      for (const slot of slots) {
        const { node, span, versions } = slot;
        const isLeaf = versions.at(-1)!.kind === LEAF && node.freedAt === NEVER;
        const isWrittenAnyhow = isLeaf && node.isFinal && isWritable;
        const mayBeDirty = isLeaf && !isWrittenAnyhow && copies.mayBeDirty(slot, versions.length - 1);
        const last = Math.floor((until - 1 - node.base) / span);
        for (let i = Math.floor((page - node.base) / span); i <= last; i++)
          visit(keyOf(node.table, i), mayBeDirty);
      }
      page = until;
    }
}

/** Pages that the script touches in some domain. */
function touchedPages({ maps }: Decision): Ranges {
  const pages = new RangeList();
  for (let piece = 0; piece + 1 < maps.length; piece++)
    if (maps.oldFrames[piece]! >= NOTHING) pages.join(maps.start(piece), maps.end(piece));
  return pages.ranges();
}
