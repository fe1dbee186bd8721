import { oneRange, RangeList } from "../lists/ranges.ts";
import type { StoredEntries } from "../script/stored-entries.ts";
import type { Origin } from "../walks/facts.ts";
import type { OneSidedAnswer } from "./relapse.ts";

/** Where a fact was read, and below which entries that the script has stored. */
type AnswerOrigin = Origin & Pick<OneSidedAnswer, "above">;

type Mutable<T> = { -readonly [key in keyof T]: T[key] };
interface Answer extends Mutable<Omit<OneSidedAnswer, "origin" | "entries" | "parts">> {
  readonly origin: AnswerOrigin;
  readonly entries: Mutable<StoredEntries> | null;
  parts: RangeList | null;
}

/**
 * Answers that only one of the two maps gives: those of pages below one table as one, where that says the same of what they can
 * follow and what can follow them. A scattered map has a leaf for every page.
 */
export class AnswerRuns {
  readonly list: Answer[] = [];
  readonly #areNew: boolean;
  /** The last that devices may keep in a cache of their own, and the last that they may not. */
  #lastKept: Answer | null = null;
  #last: Answer | null = null;

  /** `areNew`: they are the new map's. */
  constructor(areNew: boolean) {
    this.#areNew = areNew;
  }

  /** `tellsEntries`: the script may write the entries that the pages were read from. */
  add(
    start: number,
    end: number,
    from: number,
    until: number,
    isKept: boolean,
    isKeptByDevice: boolean,
    origin: AnswerOrigin,
    tellsEntries: boolean,
  ): void {
    const last = isKeptByDevice ? this.#lastKept : this.#last;
    if (
      last !== null &&
      last.start <= start &&
      last.from === from &&
      last.until === until &&
      last.isKept === isKept &&
      (last.entries !== null) === tellsEntries &&
      continues(last.origin, origin, start) &&
      (this.#mayJoin(last) || (last.start === start && last.end === end))
    ) {
      if (end <= last.end) return;
      if (!this.#areNew) this.#addPart(last, start, end);
      last.end = end;
      if (last.entries !== null) last.entries.count = indexOf(origin, end - 1) + 1 - last.entries.first;
      return;
    }
    const first = indexOf(origin, start);
    const count = indexOf(origin, end - 1) + 1 - first;
    const entries = tellsEntries ? { table: origin.table, first, count, step: origin.step } : null;
    const answer = {
      start,
      end,
      from,
      until,
      isKept,
      isKeptByDevice,
      origin: originOf(origin),
      entries,
      above: origin.above,
      parts: null,
    };
    this.list.push(answer);
    if (isKeptByDevice) this.#lastKept = answer;
    else this.#last = answer;
  }

  /** Adds all of another list. */
  addAll({ list }: AnswerRuns): void {
    for (const { start, end, from, until, isKept, isKeptByDevice, origin, entries, parts } of list) {
      const { starts, ends } = parts ?? oneRange(start, end);
      for (let i = 0; i < starts.length; i++)
        this.add(starts[i]!, ends[i]!, from, until, isKept, isKeptByDevice, origin, entries !== null);
    }
  }

  /** Keeps the pages of an old answer apart from those between them: what is told of it is told of no other page. */
  #addPart(last: Answer, start: number, end: number): void {
    if (last.parts === null) {
      if (start <= last.end) return;
      last.parts = new RangeList();
      last.parts.push(last.start, last.end);
    }
    last.parts.join(start, end);
  }

  /**
   * True iff an answer can take in its neighbours. What rules out one page of several new ones leaves another; an old one that
   * caches keep is ruled out by nothing, nor is one whose entries the script leaves alone.
   */
  #mayJoin({ isKept, entries }: Answer): boolean {
    return this.#areNew || isKept || entries === null;
  }
}

/** The same for good: who tells it may fill it in again. */
const originOf = ({ table, index, level, at, span, step, until, above }: AnswerOrigin): AnswerOrigin => {
  return { table, index, level, at, span, step, until, above };
};

/** True iff two origins are of one table and one store, and lead to the same entry for a page. */
const continues = (a: AnswerOrigin, b: AnswerOrigin, page: number): boolean =>
  a.table === b.table &&
  a.level === b.level &&
  a.span === b.span &&
  a.step === b.step &&
  a.until === b.until &&
  a.above === b.above &&
  indexOf(a, page) === indexOf(b, page);

const indexOf = ({ index, at, span }: Origin, page: number): number => index + Math.floor((page - at) / span);
