import type { Pfn } from "../../units/index.ts";
import { type Decoder, TABLE } from "../entries/entry-kind.ts";
import { EntryReader } from "../entries/entry-reader.ts";
import { highWord, lowWord } from "../entries/entry-words.ts";
import type { Geometry } from "../entries/geometry.ts";
import type { CheckedScript, TablesBefore } from "../input.ts";
import { firstEndingAfter, oneRange, RangeList, type Ranges, union } from "../lists/ranges.ts";
import { NEVER } from "../script/positions.ts";
import type { ScriptLog } from "../script/script-log.ts";
import type { TableLog } from "../script/table-log.ts";
import { ChangedTables } from "./changed-tables.ts";

/** A table the script writes or frees, where it stands before the script. */
export interface LocatedTable {
  /** What it does to it then. */
  readonly log: TableLog;
  readonly level: number;
  readonly base: number;
  /** The table that points to it; the root has none. */
  readonly parent: number | null;
}

/** Pages in columns. Pre: ascending and free of overlap. */
export function asRanges(ranges: readonly PageRange[]): Ranges {
  const columns = new RangeList();
  for (const { start, end } of ranges) columns.push(start, end);
  return columns.ranges();
}
/** The same as a list. */
export const listed = ({ starts, ends }: Ranges): PageRange[] =>
  Array.from(starts, (start, i) => ({ start, end: ends[i]! }));

/** A table that was not found. */
const NOWHERE = -1;

export interface PageRange {
  readonly start: number;
  readonly end: number;
}

export const pagesIn = (ranges: readonly PageRange[]): number =>
  ranges.reduce((sum, r) => sum + r.end - r.start, 0);

/**
 * Finds what a check has to look at: pages whose answer changes, and pages below entries that the script writes. What is
 * neither is not visited, however large the map.
 */
export class Interest {
  readonly located: LocatedTable[] = [];
  /** By number of its log, where each was found first, NOWHERE where it was not; and the other places where it stands as well. */
  readonly #firstBases: Float64Array;
  readonly #otherBases = new Map<TableLog, number[]>();
  readonly #log: ScriptLog;
  readonly #geometry: Geometry;
  readonly #decoder: Decoder;
  readonly #tables: TablesBefore;
  /** Written or freed tables that no domain has been found to hold yet; all domains share it. */
  readonly #wanted: WantedTables;
  readonly #before: EntryReader;
  #changed: ChangedTables | null = null;
  /** Entries of the table that is looked at; all 0 between two tables. */
  readonly #isWritten: Uint8Array;
  readonly #isShared: (table: Pfn) => boolean;
  /** A table that was found may stand in other places as well, or one on the way to it does. */
  isAlsoElsewhere = false;
  #isExhaustive = false;

  constructor(
    log: ScriptLog,
    geometry: Geometry,
    decoder: Decoder,
    tables: TablesBefore,
    wanted: WantedTables,
    isShared: (table: Pfn) => boolean,
  ) {
    this.#wanted = wanted;
    this.#isShared = isShared;
    this.#log = log;
    this.#geometry = geometry;
    this.#isWritten = new Uint8Array(geometry.entries);
    this.#firstBases = new Float64Array(log.lives).fill(NOWHERE);
    this.#before = new EntryReader(tables);
    this.#decoder = decoder;
    this.#tables = tables;
  }

  /** Pages to visit in one domain, given those whose answer changes. */
  ranges(levels: number, changes: Ranges): Ranges {
    const ranges = new RangeList();
    for (const { log, level, base } of this.located) {
      if (log.freedAt < NEVER) ranges.push(base, base + this.#geometry.tableSpan(level));
      else this.#writtenRanges(log, level, base, changes, ranges);
    }
    return union(changes, ranges.union(), this.#geometry.tableSpan(levels - 1));
  }

  /**
   * Until when the pages are as they were: NEVER where the script leaves all tables in them alone, 0 where it writes one,
   * else the step that frees the first.
   */
  untouchedUntil(start: number, end: number): number {
    this.#changed ??= new ChangedTables(this.located, this.#geometry);
    return this.#changed.untouchedUntil(start, end);
  }

  /** Adds the spans of the entries a table's writes concern, ascending, but for those that change anyway. */
  #writtenRanges(log: TableLog, level: number, base: number, changes: Ranges, ranges: RangeList): void {
    const { entries } = this.#geometry;
    const span = this.#geometry.span(level);
    const isWritten = this.#isWritten;
    let [low, high] = [entries, 0];
    // Mostly it is one entry, for which a call costs more than to note it down.
    const note = (index: number, count: number): void => {
      const end = Math.min(entries, index + count);
      if (index < low) low = index;
      if (end > high) high = end;
      if (count === 1) isWritten[index] = 1;
      else isWritten.fill(1, index, end);
    };
    const { collects } = log;
    for (let k = 0; k < collects.length; k++) note(collects.index(k), collects.count(k));
    for (let k = 0; k < log.writes; k++) note(log.index(k), log.count(k));
    const { starts, ends } = changes;
    let change = firstEndingAfter(changes, base);
    for (let first = low; first < high; ) {
      if (isWritten[first] === 0) {
        first++;
        continue;
      }
      let end = first;
      while (end < high && isWritten[end] === 1) isWritten[end++] = 0;
      const start = base + first * span;
      const stop = base + end * span;
      while (change < ends.length && ends[change]! <= start) change++;
      const isCovered = starts[change]! <= start && stop <= ends[change]!;
      if (!isCovered) ranges.push(start, stop);
      first = end;
    }
  }

  /** Looks for the written tables where the script says it works. */
  locateNear(domain: number, root: number, levels: number, changes: Ranges): void {
    this.#descend(root, levels - 1, 0, null, changes, 0);
    if (this.#wanted.size === 0) return;
    const hints = new RangeList();
    const { length, domains, starts, ends } = this.#log.invalidations;
    for (let at = 0; at < length; at++) if (domains[at] === domain) hints.push(starts[at]!, ends[at]!);
    for (const window of this.#log.windows)
      if (window.domain === domain) hints.push(window.start, window.end);
    this.#descend(root, levels - 1, 0, null, hints.union(this.#geometry.tableSpan(levels - 1)), 0);
  }

  /** Takes over what another domain holds where both lead to the same table in the same place: each domain has caches of its own. */
  locateShared(other: Interest, root: number, levels: number): void {
    for (const { log, level, base } of other.located) {
      if (this.#isKnown(log, base) || base >= this.#geometry.tableSpan(levels - 1)) continue;
      const parent = this.#parentOf(log.table, level, base, root, levels);
      if (parent === undefined) continue;
      this.#note({ log, level, base, parent });
    }
  }

  #isKnown(log: TableLog, base: number): boolean {
    const first = this.#firstBases[log.number]!;
    return first === base || (first !== NOWHERE && (this.#otherBases.get(log)?.includes(base) ?? false));
  }

  #note(found: LocatedTable): void {
    this.located.push(found);
    const { log, base } = found;
    if (this.#firstBases[log.number] === NOWHERE) {
      this.#firstBases[log.number] = base;
      return;
    }
    const others = this.#otherBases.get(log);
    if (others === undefined) this.#otherBases.set(log, [base]);
    else others.push(base);
  }

  /** The table whose entry leads to a table in its place, null for the root; undefined where it is not there. */
  #parentOf(
    table: number,
    level: number,
    base: number,
    root: number,
    levels: number,
  ): number | null | undefined {
    let at = root;
    let parent: number | null = null;
    for (let above = levels - 1; above > level; above--) {
      const index = Math.floor(base / this.#geometry.span(above)) % this.#geometry.entries;
      const entry = this.#tables.entry(at as never, index);
      const lo = lowWord(entry);
      const hi = highWord(entry);
      if (this.#decoder.kind(above, lo, hi) !== TABLE) return undefined;
      parent = at;
      at = this.#decoder.frame(lo, hi);
    }
    return at === table ? parent : undefined;
  }

  /** Looks for those that were not found in any domain everywhere, but for those that nobody can reach before the script. */
  locateEverywhere(root: number, levels: number): void {
    for (const log of this.#log.logs())
      if (this.#wanted.has(log) && this.#isNew(log)) this.#wanted.delete(log);
    if (this.#wanted.size === 0) return;
    const everything = oneRange(0, this.#geometry.tableSpan(levels - 1));
    this.#descend(root, levels - 1, 0, null, everything, 0);
  }

  /** Looks for all that the script touches, in all places. */
  locateAgain(root: number, levels: number): void {
    this.#isExhaustive = true;
    const everything = oneRange(0, this.#geometry.tableSpan(levels - 1));
    this.#descend(root, levels - 1, 0, null, everything, 0);
    this.#isExhaustive = false;
  }

  /** True iff there is anything left to look for. */
  get #isLooking(): boolean {
    return this.#isExhaustive || this.#wanted.size > 0;
  }

  /** True iff a page becomes a table in the script: no entry leads to what was none before. */
  #isNew({ table, isWritten }: TableLog): boolean {
    return isWritten && !this.#tables.isTable(table as never);
  }

  /** Takes a table where it stands. */
  #meet(log: TableLog, level: number, base: number, parent: number | null, isShared: boolean): void {
    if (this.#isKnown(log, base)) return;
    this.#note({ log, level, base, parent });
    this.#wanted.delete(log);
    this.isAlsoElsewhere ||= isShared;
  }

  /** Looks at the entries that ranges touch; those before position `from` end before the table's first page. */
  #descend(
    table: number,
    level: number,
    base: number,
    parent: number | null,
    ranges: Ranges,
    from: number,
    isBelowShared = false,
  ): void {
    const isShared = isBelowShared || this.#isShared(table as Pfn);
    const own = this.#log.logAt(table, 0);
    if (own !== null) this.#meet(own, level, base, parent, isShared);
    if (level === 0) return;
    const before = this.#before;
    const { starts, ends } = ranges;
    const span = this.#geometry.span(level);
    const end = base + this.#geometry.tableSpan(level);
    let next = base;
    for (let r = from; r < starts.length && starts[r]! < end && this.#isLooking; r++) {
      if (ends[r]! <= next) continue;
      const first = Math.floor((Math.max(starts[r]!, next) - base) / span);
      const last = Math.floor((Math.min(ends[r]!, end) - 1 - base) / span);
      for (let index = first; index <= last && this.#isLooking; index++) {
        before.read(table, null, index);
        const { lo, hi } = before;
        if (this.#decoder.kind(level, lo, hi) !== TABLE) continue;
        const child = this.#decoder.frame(lo, hi);
        const start = base + index * span;
        if (level > 1) {
          this.#descend(child, level - 1, start, table, ranges, firstEndingAfter(ranges, start), isShared);
          continue;
        }
        const log = this.#log.logAt(child, 0);
        if (log !== null && (this.#isExhaustive || this.#wanted.has(log)))
          this.#meet(log, 0, start, table, isShared || this.#isShared(child as Pfn));
      }
      next = base + (last + 1) * span;
    }
  }
}

/** Tables that are looked for: at first the first lives of all that a script writes or frees. */
class WantedTables {
  /** By number of their logs. */
  readonly #isWanted: Uint8Array;
  size = 0;

  constructor(log: ScriptLog) {
    this.#isWanted = new Uint8Array(log.lives);
    for (const { life, number } of log.logs())
      if (life === 0) {
        this.#isWanted[number] = 1;
        this.size++;
      }
  }
  has({ number }: TableLog): boolean {
    return this.#isWanted[number] === 1;
  }
  delete({ number }: TableLog): void {
    this.size -= this.#isWanted[number]!;
    this.#isWanted[number] = 0;
  }
}

/** What is to be looked at in each domain, by its id: all that the script touches is located, wherever it stands. */
export function interestsOf(
  { domains, tables }: CheckedScript,
  log: ScriptLog,
  geometry: Geometry,
  decoder: Decoder,
  changes: Ranges,
  isShared: (table: Pfn) => boolean,
): Map<number, Interest> {
  const interests = new Map<number, Interest>();
  const wanted = new WantedTables(log);
  for (const { id, root, levels } of domains) {
    const interest = new Interest(log, geometry, decoder, tables, wanted, isShared);
    interests.set(id, interest);
    interest.locateNear(id, root, levels, changes);
  }
  for (const { id, root, levels } of domains) interests.get(id)!.locateEverywhere(root, levels);
  // A table that was found in one domain is not looked for in the next.
  for (const { id, root, levels } of domains)
    for (const other of domains)
      if (other.id !== id) interests.get(id)!.locateShared(interests.get(other.id)!, root, levels);
  if ([...interests.values()].some((interest) => interest.isAlsoElsewhere))
    for (const { id, root, levels } of domains) interests.get(id)!.locateAgain(root, levels);
  return interests;
}

/** Tables that several entries lead to, of all that the domains reach. */
function sharedIn(
  { domains, tables }: CheckedScript,
  { entries }: Geometry,
  decoder: Decoder,
): ReadonlySet<number> {
  const found = new Set<number>();
  const shared = new Set<number>();
  const visit = (table: number, level: number): void => {
    for (let index = 0; index < entries; index++) {
      const entry = tables.entry(table as Pfn, index);
      const [lo, hi] = [lowWord(entry), highWord(entry)];
      if (decoder.kind(level, lo, hi) !== TABLE) continue;
      const child = decoder.frame(lo, hi);
      if (found.has(child)) shared.add(child);
      else {
        found.add(child);
        if (level > 1) visit(child, level - 1);
      }
    }
  };
  for (const { root, levels } of domains) {
    // Domains may have one root; what hangs below it stands in one place.
    if (!found.has(root) && levels > 1) visit(root, levels - 1);
    found.add(root);
  }
  return shared;
}

/** Tells which tables several entries lead to. Where nobody knows, they are looked through once, when the first one is asked for. */
export function sharing(input: CheckedScript, geometry: Geometry, decoder: Decoder): (table: Pfn) => boolean {
  const { tables } = input;
  let shared: ReadonlySet<number> | null = null;
  return (table) => tables.isShared?.(table) ?? (shared ??= sharedIn(input, geometry, decoder)).has(table);
}

/** Sorts ranges, joins those that meet, and cuts them at `end`. */
export function joined(ranges: readonly PageRange[], end: number): PageRange[] {
  const sorted = ranges.toSorted((a, b) => a.start - b.start);
  const result: { start: number; end: number }[] = [];
  for (const range of sorted) {
    if (range.start >= end) break;
    const to = Math.min(range.end, end);
    const last = result[result.length - 1];
    if (last !== undefined && range.start <= last.end) last.end = Math.max(last.end, to);
    else result.push({ start: range.start, end: to });
  }
  return result;
}
