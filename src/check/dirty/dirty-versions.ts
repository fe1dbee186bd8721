import { type CellTable, cellsOf, type Write } from "../entries/cells.ts";
import { ABSENT, type Decoder, type EntryKind, LEAF } from "../entries/entry-kind.ts";
import { wordsBefore } from "../entries/entry-reader.ts";
import { highWord, lowWord } from "../entries/entry-words.ts";
import type { Geometry } from "../entries/geometry.ts";
import type { VersionReader } from "../entries/versions.ts";
import type { TablesBefore } from "../input.ts";
import { ByEntry } from "../lists/by-entry.ts";
import { NEVER } from "../script/positions.ts";
import type { TableLog } from "../script/table-log.ts";

/** By what a version ends: a store that overwrites whatever it finds, one that carries A and D over, a collect, or nothing. */
export type VersionEnd = "never" | "plain" | "exchange" | "collect";

/** One value of an entry while its D bit has one history: also a store of the very same value ends it. */
export interface DirtyVersion {
  readonly kind: EntryKind;
  readonly lo: number;
  readonly hi: number;
  /** Step that made it; 0 for what was there before the script. */
  readonly step: number;
  /** Positions [step, until) in memory, [step, readableUntil) for walkers. */
  readonly until: number;
  readonly readableUntil: number;
  readonly end: VersionEnd;
  /** D is 1 from its first moment on, as it was written. */
  readonly isWrittenDirty: boolean;
  /** Devices may have set D before the script. */
  readonly mayBeDirty: boolean;
}

/** Neighbouring entries of one table with one history up to the frames, and the versions of the first. */
export interface EntryRun {
  readonly first: number;
  readonly count: number;
  readonly versions: readonly DirtyVersion[];
}

/** What histories are made of. */
export interface HistorySource {
  readonly words: Uint32Array;
  readonly tables: TablesBefore;
  readonly decoder: Decoder;
  readonly geometry: Geometry;
  readonly lingering: VersionReader;
  readonly collapse: boolean;
}

/** The words of a table as they are before the script, or zeros where a life of it begins with it: a copy. */
export function beforeWords(source: HistorySource, table: number, log: TableLog | null): Uint32Array {
  const { tables, geometry } = source;
  const held = new Uint32Array(2 * geometry.entries);
  if ((log?.life ?? 0) > 0 || !tables.isTable(table as never)) return held;
  const words = wordsBefore(tables, table, geometry.entries);
  if (words !== null) held.set(words);
  else
    for (let i = 0; i < geometry.entries; i++) {
      const entry = tables.entry(table as never, i);
      held[2 * i] = lowWord(entry);
      held[2 * i + 1] = highWord(entry);
    }
  return held;
}

interface Event {
  readonly step: number;
  /** The write, or null for a collect. */
  readonly write: Write | null;
}

const TWO32 = 0x1_0000_0000;
const PAGE_BYTES = 4096;

/** Reads the entries of one life of one table, as entries of one level. */
export class TableHistory {
  readonly #source: HistorySource;
  readonly #table: number;
  readonly #log: TableLog | null;
  readonly #level: number;
  readonly #cells: CellTable | null;
  /** Entries at which a collect begins or ends; null where there is none. */
  readonly #edges: Uint8Array | null = null;
  /** The collects by the entries that they look at. */
  readonly #collects: ByEntry | null = null;
  readonly #words: Uint32Array | null;
  readonly #isNew: boolean;
  #last: EntryRun | null = null;

  constructor(source: HistorySource, table: number, log: TableLog | null, level: number) {
    const { words, decoder, geometry, tables, collapse } = source;
    this.#source = source;
    this.#table = table;
    this.#log = log;
    this.#level = level;
    const { entries } = geometry;
    this.#cells = log?.isWritten
      ? cellsOf(words, log, level, entries, geometry.span(level), decoder, collapse)
      : null;
    if (log !== null && log.collects.length > 0) {
      const { collects } = log;
      const countOf = (k: number): number => collects.count(k);
      this.#collects = new ByEntry(entries, collects.length, (k) => collects.index(k), countOf);
      this.#edges = new Uint8Array(entries + 1);
      for (const { index, count } of collects)
        this.#edges[index] = this.#edges[Math.min(entries, index + count)] = 1;
    }
    this.#isNew = (log?.life ?? 0) > 0 || !tables.isTable(table as never);
    this.#words = this.#isNew ? null : wordsBefore(tables, table, entries);
  }

  /** The run that starts at an entry, or one that has it inside. Pre: asked for in ascending order, mostly. */
  at(index: number): EntryRun {
    const last = this.#last;
    if (last !== null && last.first <= index && index < last.first + last.count) return last;
    return (this.#last = this.#read(index));
  }

  /** The words as they were before the script; null where this life of the table begins with it, or nobody has them. */
  get words(): Uint32Array | null {
    return this.#words;
  }

  /** End of the entries from one on that nothing but the very same collects does anything to. */
  onlyCollectedUntil(index: number): number {
    const { entries } = this.#source.geometry;
    let end = index;
    do {
      if (this.#cells?.isWritten(end) === true) break;
      end++;
    } while (end < entries && this.#edges?.[end] !== 1);
    return end;
  }

  #read(index: number): EntryRun {
    const { geometry, decoder, collapse } = this.#source;
    const cells = this.#cells;
    const cell = cells?.cellAt(index) ?? null;
    const lo = this.#before(index, 0);
    const hi = this.#before(index, 1);
    const events = this.#events(index, cell?.writes ?? [], cell === null ? 0 : index - cell.first);
    const versions = this.#versions(index, events, lo, hi);
    const mayBeDirty = versions[0]!.mayBeDirty;
    const limit = collapse ? (cell === null ? geometry.entries : cell.first + cell.count) : index + 1;
    const kind = decoder.kind(this.#level, lo, hi);
    const isSimple = versions.every((v) => v.kind === ABSENT || v.kind === LEAF);
    const span = geometry.span(this.#level);
    let end = index + 1;
    for (; isSimple && end < limit; end++) {
      if (this.#edges !== null && this.#edges[end] === 1) break;
      if (cell === null && cells?.isWritten(end) === true) break;
      if (!this.#isNew && !this.#continues(kind, lo, hi, end, (end - index) * span)) break;
      if (mayBeDirty !== this.#mayBeDirty(end)) break;
    }
    return { first: index, count: end - index, versions };
  }

  #mayBeDirty(index: number): boolean {
    return !this.#isNew && this.#source.tables.mayBeDirty?.(this.#table as never, index) === true;
  }

  /** A word of what the entry held before the script, or before this life of its table. */
  #before(index: number, word: 0 | 1): number {
    if (this.#isNew) return 0;
    if (this.#words !== null) return this.#words[2 * index + word]!;
    const entry = this.#source.tables.entry(this.#table as never, index);
    return word === 0 ? lowWord(entry) : highWord(entry);
  }

  #continues(kind: EntryKind, lo: number, hi: number, index: number, pages: number): boolean {
    const { decoder } = this.#source;
    const nextLo = this.#before(index, 0);
    const nextHi = this.#before(index, 1);
    if (kind === ABSENT) return nextLo === lo && nextHi === hi;
    return (
      decoder.kind(this.#level, nextLo, nextHi) === LEAF &&
      decoder.frame(nextLo, nextHi) === decoder.frame(lo, hi) + pages &&
      decoder.rights(nextLo, nextHi) === decoder.rights(lo, hi) &&
      decoder.attributes(nextLo, nextHi) === decoder.attributes(lo, hi) &&
      decoder.isDirty(nextLo, nextHi) === decoder.isDirty(lo, hi)
    );
  }

  #events(index: number, writes: readonly Write[], by: number): Event[] {
    const { decoder, geometry } = this.#source;
    const pages = by * geometry.span(this.#level);
    const events = writes.map((write): Event => {
      if (by === 0 || decoder.kind(this.#level, write.lo, write.hi) !== LEAF)
        return { step: write.step, write };
      const low = write.lo + pages * PAGE_BYTES;
      return {
        step: write.step,
        write: { ...write, lo: low % TWO32, hi: write.hi + Math.floor(low / TWO32) },
      };
    });
    const collects = this.#collects;
    if (collects === null) return events;
    for (let at = collects.begin(index); at < collects.begin(index + 1); at++)
      events.push({ step: this.#log!.collects.step(collects.position(at)), write: null });
    return events.sort((a, b) => a.step - b.step);
  }

  #versions(index: number, events: readonly Event[], lo: number, hi: number): DirtyVersion[] {
    const { decoder, lingering } = this.#source;
    const versions: DirtyVersion[] = [];
    let step = 0;
    let isWrittenDirty = decoder.isDirty(lo, hi);
    let mayBeDirty = this.#mayBeDirty(index);
    let kind = decoder.kind(this.#level, lo, hi);
    const finish = (until: number, end: VersionEnd): void => {
      const readableUntil = until === NEVER ? NEVER : lingering.lingersUntil(this.#log!, index, until);
      versions.push({ kind, lo, hi, step, until, readableUntil, end, isWrittenDirty, mayBeDirty });
      step = until;
      mayBeDirty = false;
    };
    for (const { step: at, write } of events) {
      if (write === null) {
        if (kind !== LEAF) continue;
        finish(at, "collect");
        isWrittenDirty = false;
        continue;
      }
      const { expected } = write;
      if (expected !== null && decoder.differ(lo, hi, expected.lo, expected.hi)) continue;
      finish(at, write.isExchange ? "exchange" : "plain");
      ({ lo, hi } = write);
      kind = decoder.kind(this.#level, lo, hi);
      isWrittenDirty = decoder.isDirty(lo, hi);
    }
    finish(NEVER, "never");
    return versions;
  }
}
