import { type Cell, CellTable } from "../entries/cells.ts";
import { EntryReader } from "../entries/entry-reader.ts";
import { SingleWrites } from "../entries/single-writes.ts";
import { presentIn, type Version } from "../entries/versions.ts";
import type { Ranges } from "../lists/ranges.ts";
import { NEVER } from "../script/positions.ts";
import { AbsentEntries } from "./absent-entries.ts";
import { CellRuns } from "./cell-runs.ts";
import type { Coverage } from "./coverage.ts";
import { EntryFacts } from "./entry-facts.ts";
import type { FactSink } from "./facts.ts";
import { firstLoading, type HeldTable, isHeldLike, lastLoading, rootHeld } from "./held-table.ts";
import { LonePages } from "./lone-pages.ts";
import { PlainEntries } from "./plain-entries.ts";
import type { ReachContext } from "./reach-context.ts";
import type { RootVersion } from "./roots.ts";
import type { Slot } from "./slot.ts";
import { SteadyLinks } from "./steady-links.ts";
import { TableCells } from "./table-cells.ts";
import { ToldEntries, type ToldEntry } from "./told-entries.ts";

const R_W = 3;

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
  readonly #absent: AbsentEntries | null;
  readonly #lone: LonePages | null;
  readonly #cells: TableCells;
  #coverage!: Coverage;
  #ranges!: Ranges;
  #expand = false;
  #isOpen = false;
  readonly #before: EntryReader;
  readonly #runs: CellRuns;
  readonly #steady: SteadyLinks;
  readonly #told = new ToldEntries();
  /** The context entry asked for last, and its table. */
  #root: RootVersion | null = null;
  #heldRootTable: HeldTable | null = null;
  /** Entry histories looked at, each standing for all entries that share it. */
  histories = 0;

  constructor(context: ReachContext, sink: FactSink) {
    this.#context = context;
    this.#sink = sink;
    this.#entries = new EntryFacts(context, sink);
    this.#cells = new TableCells(context);
    this.#before = new EntryReader(context.tables);
    this.#steady = new SteadyLinks(context, this.#entries, this.#cells, this.#before);
    this.#runs = new CellRuns(context, this.#before);
    this.#acceptsPlain = context.acceptPlain && sink.plain !== undefined;
    const { plain } = sink;
    // Who watches sees single leaves only.
    const isWatched = plain === undefined || plain.watch !== null;
    this.#absent = isWatched ? null : new AbsentEntries(context, plain, this.#before);
    this.#lone =
      this.#acceptsPlain && !isWatched
        ? new LonePages(context, plain, this.#cells, this.#steady, this.#before)
        : null;
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
    if (!this.#isTold(tell)) {
      this.#expand = true;
      this.#isTold(tell);
      this.#expand = false;
    }
    this.#isOpen = false;
  }

  #isTold(tell: () => void): boolean {
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
      // Who goes on with an old context entry does so with its levels.
      this.#entries.tag = root.until < NEVER && root.beginsUntil === NEVER ? -1 : root.tag;
      this.#entries.root = root;
      const held = this.#heldRoot(root);
      // No walk with fewer levels gets to the pages above.
      const end = Math.min(coverage.end, this.#context.geometry.tableSpan(root.levels - 1));
      if (coverage.start >= end) continue;
      this.#entries.pointerTo(held, coverage.start, end, root.table, 0, root.levels, coverage);
      if (from === to || this.#visitLowest(root, held, from, to)) continue;
      this.#visit(held, root.levels - 1, 0, from, to);
    }
  }

  /** Goes on in the lowest table where the way to it is known; false where it is not. */
  #visitLowest(version: RootVersion, root: HeldTable, from: number, to: number): boolean {
    const start = this.#ranges.starts[from]!;
    const end = this.#ranges.ends[to - 1]!;
    const state = this.#steady.lowest(version, root, start, end);
    if (state === null) return false;
    this.histories += version.levels - 1;
    this.#visit(state, 0, this.#steady.base, from, to);
    return true;
  }

  /** True iff the page of a lone coverage is decided, with nothing to tell of it. `root` is the only context entry there is. */
  passes(coverage: Coverage, root: RootVersion): boolean {
    const isKnown = this.#root === root && this.#heldRootTable !== null;
    return isKnown && (this.#lone?.passes(coverage, root, this.#heldRootTable!) ?? false);
  }

  /** Pages decided by themselves. */
  get passed(): number {
    return this.#lone?.passed ?? 0;
  }

  #heldRoot(root: RootVersion): HeldTable {
    if (this.#root === root) return this.#heldRootTable!;
    const log = this.#context.log.logAt(root.table, root.step);
    const held = rootHeld(root, log, this.#context.places.root(root, log), R_W);
    [this.#root, this.#heldRootTable] = [root, held];
    return held;
  }

  /** Looks at the entries of a held table that the ranges [from, to) touch. */
  #visit(state: HeldTable, level: number, base: number, from: number, to: number): void {
    const { geometry } = this.#context;
    this.#context.visit(state.table, level);
    const span = geometry.span(level);
    const end = base + geometry.tableSpan(level);
    const { starts, ends } = this.#ranges;
    const { log } = state;
    const before = this.#before;
    const cells = log?.isWritten ? this.#cells.of(log, level) : null;
    const plain = level === 0 ? this.#plainIn(state, cells) : null;
    const few = cells instanceof CellTable ? cells : null;
    let page = Math.max(base, starts[from]!);
    for (let range = from; range < to && page < end; ) {
      // Of neighbouring entries that lead to tables some may be wanted for the others' pages only.
      if (ends[range]! <= page) {
        range++;
        continue;
      }
      page = Math.max(page, starts[range]!);
      if (page >= end) return;
      const index = Math.floor((page - base) / span);
      if (plain !== null && (few === null || few.cellAt(index) === null)) {
        before.read(state.table, log, index);
        if (plain.accepts(index, page, before.lo, before.hi, this.#isOpen)) {
          page++;
          // Few absent entries stand alone.
          const isMore = before.lo === 0 && before.hi === 0 && page < Math.min(ends[range]!, end);
          const passed = isMore ? this.#passed(state, 0, base, index + 1, page, ends[range]!, cells) : 0;
          this.histories += 1 + passed;
          page += passed;
          if (ends[range]! <= page) range++;
          continue;
        }
      }
      if (level > 0 && this.#acceptsPlain) {
        const passed = this.#passed(state, level, base, index, page, ends[range]!, few);
        this.histories += passed;
        page = passed === 0 ? page : base + (index + passed) * span;
        if (passed > 0) continue;
      }
      const cell = cells?.cellAt(index) ?? null;
      const first = cell?.first ?? index;
      const cellEnd = base + (first + (cell?.count ?? 1)) * span;
      let next = range;
      while (next < to && starts[next]! < cellEnd) next++;
      if (cell !== null && cell.count > 1) this.#run(state, level, base, cell, range, next, plain);
      else this.#entry(state, level, base, first, cell, range, next);
      page = cellEnd;
      range = ends[next - 1]! > cellEnd ? next - 1 : next;
    }
  }

  /** Entries that are passed over because they are absent throughout. Pre: facts may be left out. */
  #passed(
    state: HeldTable,
    level: number,
    base: number,
    index: number,
    start: number,
    end: number,
    cells: CellTable | SingleWrites | null,
  ): number {
    return this.#absent?.passed(state, level, base, index, start, end, this.#coverage, cells) ?? 0;
  }

  /**
   * What decides entries of a table of the lowest level at sight; null where nothing can. Of cells it knows nothing: only the
   * entries beside them are its own.
   */
  #plainIn(state: HeldTable, cells: CellTable | SingleWrites | null): PlainEntries | null {
    if (!this.#acceptsPlain) return null;
    this.#plain ??= new PlainEntries(this.#context, this.#sink.plain!);
    const writes = cells instanceof SingleWrites ? cells : null;
    return this.#plain.enter(state, this.#coverage, writes, this.#isOpen) ? this.#plain : null;
  }

  /** A cell of several entries; `entered` is what accepts entries of the table, if anything does. */
  #run(
    state: HeldTable,
    level: number,
    base: number,
    cell: Cell,
    from: number,
    to: number,
    entered: PlainEntries | null,
  ): void {
    const place = { state, level, base, cell, ranges: this.#ranges, from, to, isOpen: this.#isOpen };
    const plain = entered ?? (level === 0 ? this.#plainIn(state, null) : null);
    const accepted = this.#runs.tell(place, plain, (first, count, history) => {
      this.#history(state, level, base, first, count, history, from, to);
    });
    this.histories += accepted;
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
    const child = this.#steady.childOf(level, state, index);
    if (child !== null) {
      this.histories++;
      const span = this.#context.geometry.span(level);
      const start = base + index * span;
      const [coverage, ranges] = [this.#coverage, this.#ranges];
      this.#goOn({ state, level, index, count: 1, start, span, coverage, ranges, from, to }, child);
      return;
    }
    const told = this.#told.of(level, state, index, this.#coverage.cut);
    if (told !== null) {
      this.histories++;
      if (told.present < 2 || this.#isOpen) this.#again(told, level, base, from, to);
      else this.#together(() => this.#again(told, level, base, from, to));
      return;
    }
    this.#before.read(state.table, log, index);
    const { lo, hi } = this.#before;
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
    if (presentIn(history) < 2 || this.#isOpen) {
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
    const { faults } = this.#entries;
    if (level > 0 && count === 1 && faults !== null) {
      const present = presentIn(history);
      this.#told.note(level, { state, index, cut: coverage.cut, present, children, faults });
    }
    const isOnly = children.length === 1 && history.length === 1 && history[0]!.step === 0;
    const isEternal = isOnly && isHeldLike(children[0]!, state);
    for (const child of children) {
      if (isEternal && child.isCurrent && (child.log?.freedAt ?? NEVER) === NEVER)
        this.#steady.note(level, state, index, child);
      else this.#entries.pointer(slot, child);
      this.#goOn(slot, child);
    }
  }

  /** Tells what an entry of an upper table has told of pages beside these. */
  #again(
    { state, index, children, faults }: ToldEntry,
    level: number,
    base: number,
    from: number,
    to: number,
  ): void {
    const [coverage, ranges] = [this.#coverage, this.#ranges];
    const span = this.#context.geometry.span(level);
    const start = base + index * span;
    const slot: Slot = { state, level, index, count: 1, start, span, coverage, ranges, from, to };
    for (const fault of faults) this.#entries.fault(slot, fault);
    for (const child of children) {
      this.#entries.pointer(slot, child);
      this.#goOn(slot, child);
    }
  }

  #goOn(slot: Slot, child: HeldTable): void {
    const { level, start, span, from, to } = slot;
    if (this.#isOpaque(child, start, start + span)) this.#entries.subtree(slot, child);
    else this.#visit(child, level - 1, start, from, to);
  }

  /** The position from which on nobody holds it, nor a leaf of it through which a dirty bit can be set: generations die in turn. */
  #heldUntil(child: HeldTable): number {
    const coverage = this.#coverage;
    if (firstLoading(child, coverage, 0, NEVER) < 0) return 0;
    const g = lastLoading(child, coverage, 0, NEVER);
    const held = coverage.deaths[g]!;
    if (!this.#context.capability.hardwareDirty || held === NEVER) return held;
    return coverage.leafDeath(g, held - 1, coverage.start, coverage.end);
  }

  /** True iff the child can be taken from the old map: it is where it was, and neither it nor anything below was written. */
  #isOpaque(child: HeldTable, start: number, end: number): boolean {
    const { skipUntouched, capability } = this.#context;
    if (!skipUntouched || this.#expand || !child.isPristine || child.rights !== R_W) return false;
    if (child.log?.isWritten || this.#heldUntil(child) > this.#context.untouchedUntil(start, end))
      return false;
    return !capability.invalidateCoversLeaf || this.#coverage.isContaining(start, end);
  }
}
