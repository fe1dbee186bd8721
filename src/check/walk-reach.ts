import { type Cell, type CellTable, cellsOf, goesOn, shifted } from "./cells.ts";
import type { Coverage } from "./coverage.ts";
import { EntryFacts, type HeldTable, type Slot } from "./entry-facts.ts";
import { ABSENT, type Decoder, MALFORMED, TABLE } from "./entry-kind.ts";
import { highWord, lowWord } from "./entry-words.ts";
import type { FactSink } from "./facts.ts";
import type { CheckedCapability, Geometry } from "./geometry.ts";
import type { TablesBefore } from "./input.ts";
import type { Lingering } from "./lingering.ts";
import { PlainEntries } from "./plain-entries.ts";
import { NEVER } from "./positions.ts";
import type { Ranges } from "./ranges.ts";
import type { RootVersion } from "./roots.ts";
import type { ScriptLog } from "./script-log.ts";
import { SingleWrites } from "./single-writes.ts";
import type { TableLog } from "./table-log.ts";
import type { Version, VersionReader } from "./versions.ts";

/** Everything the analysis of one domain reads. */
export interface ReachContext {
  readonly log: ScriptLog;
  readonly capability: CheckedCapability;
  readonly geometry: Geometry;
  readonly decoder: Decoder;
  readonly versions: VersionReader;
  readonly lingering: Lingering;
  readonly tables: TablesBefore;
  readonly collapse: boolean;
  readonly skipUntouched: boolean;
  /** Report values that a missing barrier keeps readable in a table linked later, instead of walking into them. */
  readonly journalRules: boolean;
  /** Let the sink accept entries without their facts. */
  readonly acceptPlain: boolean;
  /** Called with each table that a walk can pass through. */
  visit(table: number): void;
  /** True iff the table stood in the same place before the script, with all rights on the way to it. */
  stoodBefore(table: number, level: number, base: number): boolean;
  /** Until when no table in this range of pages is written or freed, as the tables were before the script. */
  untouchedUntil(start: number, end: number): number;
}

/** An entry that is a table pointer throughout. Pages of the same table ask for it again and again. */
interface SteadyLink {
  readonly state: HeldTable;
  readonly index: number;
  readonly child: HeldTable;
}

const R_W = 3;
const MAX_CELL_TABLES = 64;

/**
 * Follows every walk a device can make through tables that change under it.
 *
 * Waiting is always allowed, so what a walk may hold is summed up by (table, rights) and the earliest position in each
 * generation: an entry version readable in [s, e) can be loaded from a table held since E iff max(E, s) < min(e, death of
 * the generation), and leads to a child held since max(E, s). Caches need no state of their own: a walk-cache entry is a
 * walk that waits, an IOTLB entry is a finished walk that is not forgotten.
 */
export class WalkReach {
  readonly #context: ReachContext;
  readonly #sink: FactSink;
  readonly #entries: EntryFacts;
  /** Made when there is a table whose entries it can decide. */
  #plain: PlainEntries | null = null;
  #acceptsPlain: boolean;
  readonly #cells = new Map<TableLog, (CellTable | SingleWrites | undefined)[]>();
  #coverage!: Coverage;
  #ranges!: Ranges;
  #expand = false;
  #isOpen = false;
  /** The entry read last, and the words of the table it is from. */
  #lo = 0;
  #hi = 0;
  #wordsOf = -1;
  #words: Uint32Array | null = null;
  /** By level: the last entry to which nothing happens, and there is nothing to say of. */
  readonly #steady: (SteadyLink | undefined)[] = [];
  #root: { readonly begins: Int32Array; readonly version: RootVersion; readonly held: HeldTable } | null =
    null;
  /** Entry histories looked at, each standing for all entries that share it. */
  histories = 0;

  constructor(context: ReachContext, sink: FactSink) {
    this.#context = context;
    this.#sink = sink;
    this.#entries = new EntryFacts(context, sink);
    this.#acceptsPlain = context.acceptPlain && sink.plain !== undefined;
  }

  /**
   * Analyses pages that share one coverage: those of the ranges [from, to). `roots` are the context entries that share a tag.
   */
  run(coverage: Coverage, ranges: Ranges, from: number, to: number, roots: readonly RootVersion[]): void {
    this.#coverage = coverage;
    this.#ranges = ranges;
    if (roots.length === 1) {
      this.#follow(roots, from, to);
      return;
    }
    // Under one tag leaves of both roots may meet.
    this.#together(() => this.#follow(roots, from, to));
  }

  /** Tells facts that are judged together, once more where untouched subtrees have to be read leaf by leaf. */
  #together(tell: () => void): void {
    this.#isOpen = true;
    if (!this.#told(tell)) {
      this.#expand = true;
      this.#told(tell);
      this.#expand = false;
    }
    this.#isOpen = false;
  }

  #told(tell: () => void): boolean {
    const { histories } = this;
    this.#sink.open();
    tell();
    if (this.#sink.close()) return true;
    if (!this.#sink.plain?.isUndecided) return false;
    this.histories = histories;
    this.#acceptsPlain = false;
    this.#sink.open();
    tell();
    this.#acceptsPlain = true;
    return this.#sink.close();
  }

  #follow(roots: readonly RootVersion[], from: number, to: number): void {
    const coverage = this.#coverage;
    for (const root of roots) {
      const held = this.#heldRoot(root);
      this.#entries.pointerTo(held, coverage.start, coverage.end, root.table, 0, root.levels, coverage);
      if (from < to) this.#visit(held, root.levels - 1, 0, from, to);
    }
  }

  #heldRoot(root: RootVersion): HeldTable {
    const { begins, generations } = this.#coverage;
    if (this.#root?.begins === begins && this.#root.version === root) return this.#root.held;
    const earliest = new Int32Array(generations).fill(NEVER);
    for (let g = 0; g < generations; g++) {
      const at = Math.max(begins[g]!, root.step);
      if (at < Math.min(root.beginsUntil, begins[g + 1]!)) earliest[g] = at;
    }
    const held: HeldTable = {
      table: root.table,
      log: this.#context.log.logAt(root.table, root.step),
      rights: R_W,
      earliest,
      isCurrent: root.until === NEVER,
      isPristine: root.step === 0,
      step: root.step,
      until: root.until,
      lingers: [],
    };
    this.#root = { begins, version: root, held };
    return held;
  }

  /** Looks at the entries of a held table that the ranges [from, to) touch. */
  #visit(state: HeldTable, level: number, base: number, from: number, to: number): void {
    const { geometry } = this.#context;
    this.#context.visit(state.table);
    const span = geometry.span(level);
    const end = base + geometry.tableSpan(level);
    const { starts, ends } = this.#ranges;
    const { log } = state;
    const cells = log?.isWritten ? this.#cellsOf(log, level) : null;
    const plain = level === 0 ? this.#plainIn(state, cells) : null;
    let page = Math.max(base, starts[from]!);
    for (let range = from; range < to && page < end; ) {
      page = Math.max(page, starts[range]!);
      if (page >= end) return;
      const index = Math.floor((page - base) / span);
      if (plain !== null) {
        this.#readBefore(state.table, log, index);
        if (plain.accepts(index, page, this.#lo, this.#hi, this.#isOpen)) {
          this.histories++;
          if (ends[range]! <= ++page) range++;
          continue;
        }
      }
      const cell = cells?.cellAt(index) ?? null;
      const first = cell?.first ?? index;
      const cellEnd = base + (first + (cell?.count ?? 1)) * span;
      let next = range;
      while (next < to && starts[next]! < cellEnd) next++;
      if (cell !== null && cell.count > 1) this.#run(state, level, base, cell, range, next);
      else this.#entry(state, level, base, first, cell, range, next);
      page = cellEnd;
      range = ends[next - 1]! > cellEnd ? next - 1 : next;
    }
  }

  /** What decides entries of a table of the lowest level at sight; null where nothing can. */
  #plainIn(state: HeldTable, cells: CellTable | SingleWrites | null): PlainEntries | null {
    if (!this.#acceptsPlain || !(cells === null || cells instanceof SingleWrites)) return null;
    this.#plain ??= new PlainEntries(this.#context, this.#sink.plain!);
    return this.#plain.enter(state, this.#coverage, cells, this.#isOpen) ? this.#plain : null;
  }

  #cellsOf(log: TableLog, level: number): CellTable | SingleWrites {
    let byLevel = this.#cells.get(log);
    if (byLevel === undefined) {
      // Pages are visited in order: a table is not asked for again much later.
      if (this.#cells.size >= MAX_CELL_TABLES) this.#cells.clear();
      this.#cells.set(log, (byLevel = []));
    }
    const known = byLevel[level];
    if (known !== undefined) return known;
    const { geometry, decoder, collapse, acceptPlain } = this.#context;
    const { words } = this.#context.log;
    const { entries } = geometry;
    const span = geometry.span(level);
    const single =
      level === 0 && acceptPlain
        ? SingleWrites.of(words, log, level, entries, span, decoder, collapse)
        : null;
    return (byLevel[level] = single ?? cellsOf(words, log, level, entries, span, decoder, collapse));
  }

  /** A cell of several entries: one history, unless what stood there before the script differs and can be seen. */
  #run(state: HeldTable, level: number, base: number, cell: Cell, from: number, to: number): void {
    const { versions, geometry, decoder } = this.#context;
    const log = state.log!;
    const firstWrite = cell.writes[0]!;
    const gone = versions.lingersUntil(log, cell.first, firstWrite.step);
    let isSeen = false;
    for (const e of state.earliest) isSeen ||= e < gone;
    if (!isSeen) {
      const history = versions.read(log, level, cell.first, cell.writes, 0, 0);
      // What stood there before is not seen, unless the first write is of the very same value.
      if (history[0]!.step === 0 && history[0]!.until <= firstWrite.step) history.shift();
      this.#history(state, level, base, cell.first, cell.count, history, from, to);
      return;
    }
    const span = geometry.span(level);
    let first = cell.first;
    const last = cell.first + cell.count;
    while (first < last) {
      this.#readBefore(log.table, log, first);
      const lo = this.#lo;
      const hi = this.#hi;
      const kind = decoder.kind(level, lo, hi);
      let end = first + 1;
      for (; end < last && kind !== TABLE && kind !== MALFORMED; end++) {
        this.#readBefore(log.table, log, end);
        const nextLo = this.#lo;
        const nextHi = this.#hi;
        if (decoder.kind(level, nextLo, nextHi) !== kind) break;
        if (
          kind === ABSENT
            ? nextLo !== lo || nextHi !== hi
            : !goesOn(lo, hi, nextLo, nextHi, (end - first) * span, decoder)
        )
          break;
      }
      const writes = shifted(cell, first - cell.first, span, level, decoder);
      const history = versions.read(log, level, first, writes, lo, hi);
      this.#history(state, level, base, first, end - first, history, from, to);
      first = end;
    }
  }

  /** Reads what an entry held before the script, or before the life of the table that `log` tells about. */
  #readBefore(table: number, log: TableLog | null, index: number): void {
    if (log !== null && log.life > 0) {
      this.#lo = this.#hi = 0;
      return;
    }
    const { tables } = this.#context;
    if (table !== this.#wordsOf) {
      this.#wordsOf = table;
      this.#words = tables.words?.(table as never) ?? null;
    }
    if (this.#words === null) {
      const entry = tables.entry(table as never, index);
      this.#lo = lowWord(entry);
      this.#hi = highWord(entry);
    } else {
      this.#lo = this.#words[2 * index]!;
      this.#hi = this.#words[2 * index + 1]!;
    }
  }

  /** One entry, written or not. */
  #entry(
    state: HeldTable,
    level: number,
    base: number,
    index: number,
    cell: Cell | null,
    from: number,
    to: number,
  ): void {
    const { versions } = this.#context;
    const { log } = state;
    const steady = this.#steady[level];
    if (steady !== undefined && steady.state === state && steady.index === index) {
      this.histories++;
      const span = this.#context.geometry.span(level);
      const start = base + index * span;
      const [coverage, ranges] = [this.#coverage, this.#ranges];
      this.#goOn({ state, level, index, count: 1, start, span, coverage, ranges, from, to }, steady.child);
      return;
    }
    this.#readBefore(state.table, log, index);
    const lo = this.#lo;
    const hi = this.#hi;
    const history =
      cell === null
        ? [versions.constant(level, lo, hi)]
        : versions.read(log!, level, index, cell.writes, lo, hi);
    this.#history(state, level, base, index, 1, history, from, to);
  }

  /** Entries [index, index + count) of one table, which share a history. */
  #history(
    state: HeldTable,
    level: number,
    base: number,
    index: number,
    count: number,
    history: readonly Version[],
    from: number,
    to: number,
  ): void {
    this.histories++;
    let present = 0;
    for (const version of history) if (version.kind !== ABSENT) present++;
    if (present < 2 || this.#isOpen) {
      this.#facts(state, level, base, index, count, history, from, to);
      return;
    }
    this.#together(() => this.#facts(state, level, base, index, count, history, from, to));
  }

  #facts(
    state: HeldTable,
    level: number,
    base: number,
    index: number,
    count: number,
    history: readonly Version[],
    from: number,
    to: number,
  ): void {
    const coverage = this.#coverage;
    const span = this.#context.geometry.span(level);
    const start = base + index * span;
    const slot: Slot = { state, level, index, count, start, span, coverage, ranges: this.#ranges, from, to };
    const children = this.#entries.emit(slot, history);
    const isOnly = children.length === 1 && history.length === 1 && history[0]!.step === 0;
    for (const child of children) {
      if (isOnly && child.isCurrent && (child.log?.freedAt ?? NEVER) === NEVER)
        this.#steady[level] = { state, index, child };
      else this.#entries.pointer(slot, child);
      this.#goOn(slot, child);
    }
  }

  #goOn(slot: Slot, child: HeldTable): void {
    const { level, start, span, from, to } = slot;
    if (this.#isOpaque(child, start, start + span)) this.#entries.subtree(slot, child);
    else this.#visit(child, level - 1, start, from, to);
  }

  #heldUntil(child: HeldTable): number {
    let until = 0;
    child.earliest.forEach((e, g) => {
      if (e !== NEVER) until = Math.max(until, this.#coverage.deaths[g]!);
    });
    return until;
  }

  /** True iff the child can be taken from the old map: it is where it was, and neither it nor anything below was written. */
  #isOpaque(child: HeldTable, start: number, end: number): boolean {
    const { skipUntouched, capability } = this.#context;
    if (!skipUntouched || this.#expand || !child.isPristine || child.rights !== R_W) return false;
    if (child.log?.isWritten || this.#heldUntil(child) > this.#context.untouchedUntil(start, end))
      return false;
    return (
      !capability.invalidateCoversLeaf ||
      this.#coverage.reaching.every((i) => i.start <= start && end <= i.end)
    );
  }
}
