import { type Cell, goesOn, shifted } from "../entries/cells.ts";
import { ABSENT, LEAF, MALFORMED, TABLE } from "../entries/entry-kind.ts";
import type { EntryReader } from "../entries/entry-reader.ts";
import type { Version } from "../entries/versions.ts";
import type { Ranges } from "../lists/ranges.ts";
import { PLAIN } from "../script/table-log.ts";
import type { HeldTable } from "./held-table.ts";
import type { PlainEntries } from "./plain-entries.ts";
import type { ReachContext } from "./reach-context.ts";

/** A cell of several entries in a held table, and the pages of interest: the ranges [from, to). */
export interface CellPlace {
  readonly state: HeldTable;
  readonly level: number;
  readonly base: number;
  readonly cell: Cell;
  readonly ranges: Ranges;
  readonly from: number;
  readonly to: number;
  readonly isOpen: boolean;
}

/** Takes the entries [first, first + count), which share a history. */
export type HistoryTaker = (first: number, count: number, history: readonly Version[]) => void;

/** Finds the histories of entries that are written alike, but may have held different things before. */
export class CellRuns {
  readonly #context: ReachContext;
  readonly #before: EntryReader;
  /** Histories accepted last. */
  #accepted = 0;

  constructor(context: ReachContext, before: EntryReader) {
    this.#context = context;
    this.#before = before;
  }

  /**
   * Tells the histories in a cell: one, unless what stood there before differs and can be seen. What `plain` accepts of
   * that is not told. Returns how many histories were accepted in addition to those told.
   */
  tell(place: CellPlace, plain: PlainEntries | null, take: HistoryTaker): number {
    const { versions, geometry, decoder } = this.#context;
    const { state, level, cell } = place;
    const log = state.log!;
    const [firstWrite] = cell.writes;
    const gone = versions.lingersUntil(log, cell.first, firstWrite!.step);
    const isSeen = state.from < gone;
    if (!isSeen) {
      const history = versions.read(log, level, cell.first, cell.writes, 0, 0);
      // What stood there before is not seen, unless the first write is of the very same value.
      if (history[0]!.step === 0 && history[0]!.until <= firstWrite!.step) history.shift();
      take(cell.first, cell.count, history);
      return 0;
    }
    const span = geometry.span(level);
    const last = lastWanted(place, span);
    const accepts = plain !== null && this.#isCleared(level, cell);
    let more = 0;
    for (let first = firstWanted(place, span); first < last; ) {
      const accepted = accepts ? this.#acceptedUntil(plain, place, first, last) : first;
      this.#before.read(log.table, log, first);
      const { lo, hi } = this.#before;
      const writes = shifted(cell, first - cell.first, span, level, decoder);
      const history = versions.read(log, level, first, writes, lo, hi);
      const end = accepted > first ? accepted : this.#alikeUntil(place, first, last, lo, hi);
      if (accepted > first) {
        // The leaves are all that tells these entries apart.
        history.shift();
        more += this.#accepted - 1;
      }
      take(first, end - first, history);
      first = end;
    }
    return more;
  }

  /** True iff all that happens to the entries of a cell is that they are cleared. */
  #isCleared(level: number, { writes }: Cell): boolean {
    const { lo, hi, isExchange, how } = writes[0]!;
    if (level > 0 || writes.length > 1 || isExchange || how === PLAIN) return false;
    return this.#context.decoder.kind(level, lo, hi) === ABSENT;
  }

  /**
   * The end of the entries from `first` on whose leaves are plainly right until they are cleared; leaves that go on with each
   * other are one history, and are accepted together or not at all.
   */
  #acceptedUntil(plain: PlainEntries, place: CellPlace, first: number, last: number): number {
    const { state, base, cell, ranges, to, isOpen } = place;
    const { starts, ends } = ranges;
    const { decoder } = this.#context;
    const { step } = cell.writes[0]!;
    let range = place.from;
    let begin = first;
    let beginLo = 0;
    let beginHi = 0;
    this.#accepted = 0;
    for (let index = first; index < last; index++) {
      const page = base + index;
      while (range < to && ends[range]! <= page) range++;
      const isWanted = range < to && starts[range]! <= page;
      this.#before.read(state.table, state.log, index);
      const { lo, hi } = this.#before;
      const isLeaf = decoder.kind(0, lo, hi) === LEAF;
      const goesOnHere = isLeaf && index > first && goesOn(beginLo, beginHi, lo, hi, index - begin, decoder);
      if (!goesOnHere) [begin, beginLo, beginHi] = [index, lo, hi];
      if (!isLeaf || !isWanted || !plain.acceptsBefore(index, page, lo, hi, step, isOpen)) return begin;
      if (!goesOnHere) this.#accepted++;
    }
    return last;
  }

  /** The end of the entries from `first` on that held the same before as that one, up to the frames. */
  #alikeUntil({ state, level }: CellPlace, first: number, last: number, lo: number, hi: number): number {
    const { geometry, decoder } = this.#context;
    const kind = decoder.kind(level, lo, hi);
    let end = first + 1;
    for (; end < last && kind !== TABLE && kind !== MALFORMED; end++) {
      this.#before.read(state.table, state.log, end);
      const next = this.#before;
      if (decoder.kind(level, next.lo, next.hi) !== kind) break;
      const pages = (end - first) * geometry.span(level);
      const isAlike =
        kind === ABSENT ? next.lo === lo && next.hi === hi : goesOn(lo, hi, next.lo, next.hi, pages, decoder);
      if (!isAlike) break;
    }
    return end;
  }
}

/** First entry of a cell that translates wanted pages, and the one behind the last: where each page is invalidated by itself they are few. */
const firstWanted = ({ base, cell, ranges, from }: CellPlace, span: number): number =>
  Math.max(cell.first, Math.floor((ranges.starts[from]! - base) / span));
const lastWanted = ({ base, cell, ranges, to }: CellPlace, span: number): number =>
  Math.min(cell.first + cell.count, Math.ceil((ranges.ends[to - 1]! - base) / span));
