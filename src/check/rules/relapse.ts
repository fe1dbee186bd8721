import type { RangeList } from "../lists/ranges.ts";
import type { PageRange } from "../maps/interest.ts";
import { rulesOut, type StoredEntries } from "../script/stored-entries.ts";
import type { Origin } from "../walks/facts.ts";

/** What only one of the two maps answers for some pages, and when devices can get it. */
export interface OneSidedAnswer extends PageRange {
  /** First position at which a device can get it, and position at which the last has lost it. */
  readonly from: number;
  readonly until: number;
  /** Some cache may keep it; what none keeps is met only while its entry is loaded. */
  readonly isKept: boolean;
  /** A device may keep it in a cache of its own. */
  readonly isKeptByDevice: boolean;
  readonly origin: Origin;
  /** The entries it was read from; null where the script writes none of them. */
  readonly entries: StoredEntries | null;
  /** Entries further up that were read as the script has stored them. */
  readonly above: readonly StoredEntries[];
  /** The pages, where it is not all of them. */
  readonly parts?: RangeList | null;
}

/** What one tag lets devices see. */
export interface View {
  /** Accesses can begin with it before this position. */
  readonly beginsUntil: number;
  readonly news: readonly OneSidedAnswer[];
  readonly olds: readonly OneSidedAnswer[];
}

/** An old answer that a device can get although it has seen a new one. */
export interface Relapse {
  readonly seen: OneSidedAnswer;
  readonly old: OneSidedAnswer;
}

/** Every old answer that can follow a new one. `views` in the order in which their tags are used; `hasAtc`: devices translate for themselves. */
export function relapses(views: readonly View[], hasAtc: boolean): Relapse[] {
  const found: Relapse[] = [];
  const all = new NewAnswers();
  for (const { news } of views) for (const answer of news) all.add(answer);
  const seen = new NewAnswers();
  for (const { beginsUntil, news, olds } of views) {
    for (const answer of news) seen.add(answer);
    for (const answer of olds) {
      const until = Math.min(answer.until, beginsUntil);
      const usable = until === answer.until ? answer : { ...answer, until };
      const relapse = seen.before(usable) ?? seen.inOneRun(usable);
      if (relapse !== null) for (const part of eachPart(relapse)) found.push(part);
      else if (hasAtc && answer.isKeptByDevice && all.first !== null && all.first.from < answer.until)
        for (const part of eachPart({ seen: all.first, old: answer })) found.push(part);
    }
  }
  return found;
}

/** One for each run of pages of the old answer. */
function eachPart({ seen, old }: Relapse): Relapse[] {
  if (!old.parts) return [{ seen, old }];
  const { starts, ends } = old.parts;
  const { index, at, span } = old.origin;
  return Array.from(starts, (start, i) => {
    const entry = Math.floor((start - at) / span);
    const origin = { ...old.origin, index: index + entry, at: at + entry * span };
    return { seen, old: { ...old, start, end: ends[i]!, origin, parts: null } };
  });
}

/** Entries of one table that a step stores in rising order, as far as they are seen at once. */
interface Run {
  readonly entries: StoredEntries;
  readonly answer: OneSidedAnswer;
}

/** Answers of the new map that a device can have seen. */
class NewAnswers {
  readonly #list: OneSidedAnswer[] = [];
  /** By step: what the lowest entry says of those that it stores and whose value is an answer then. */
  readonly #runs = new Map<number, Run>();
  first: OneSidedAnswer | null = null;

  add(answer: OneSidedAnswer): void {
    this.#list.push(answer);
    if (this.first === null || answer.from < this.first.from) this.first = answer;
    const entries = stored(answer).find(({ step }) => step === answer.from);
    if (entries === undefined) return;
    const known = this.#runs.get(answer.from);
    if (known === undefined || entries.first < known.entries.first)
      this.#runs.set(answer.from, { entries, answer });
  }

  /** The earliest after which a device can still get the old answer. */
  before(old: OneSidedAnswer): Relapse | null {
    let seen = this.first;
    if (seen === null || seen.from >= old.until) return null;
    if (isRuledOut(old, seen)) {
      seen = null;
      for (const answer of this.#list)
        if (answer.from < (seen?.from ?? old.until) && !isRuledOut(old, answer)) seen = answer;
    }
    return seen === null ? null : { seen, old };
  }

  /** A run of stores that puts the old answer's entries after one that shows the new map already: those of them. */
  inOneRun(old: OneSidedAnswer): Relapse | null {
    const { entries, origin, until } = old;
    if (old.isKept || entries === null || origin.until !== until) return null;
    const run = this.#runs.get(until);
    if (run === undefined || run.entries.table !== entries.table) return null;
    const first = Math.max(entries.first, run.entries.first + 1);
    if (first >= entries.first + entries.count) return null;
    const start = Math.max(old.start, origin.at + (first - origin.index) * origin.span);
    return { seen: run.answer, old: { ...old, start } };
  }
}

/** The entries of an answer's path that the script has stored. */
const stored = ({ above, entries }: OneSidedAnswer): readonly StoredEntries[] =>
  entries === null || entries.step === 0 ? above : [...above, entries];

/** True iff a device that got the new answer can no longer get the old one, since that takes an older value of the same entry. */
const isRuledOut = (old: OneSidedAnswer, seen: OneSidedAnswer): boolean => {
  const { entries } = old;
  return !old.isKept && entries !== null && stored(seen).some((newer) => rulesOut(newer, entries));
};

/** Pages that may show a relapse, of the new answer and of the old one: the first and the last of each, different ones first. */
export function pagePairs({ seen, old }: Relapse): (readonly [number, number])[] {
  const endsOf = ({ start, end }: OneSidedAnswer): number[] => [...new Set([start, end - 1])];
  const pairs = endsOf(seen).flatMap((page) => endsOf(old).map((other) => [page, other] as const));
  return pairs.sort((a, b) => Number(a[0] === a[1]) - Number(b[0] === b[1]));
}
