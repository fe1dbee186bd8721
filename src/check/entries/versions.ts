import type { Pfn } from "../../units/index.ts";
import type { MemoryMode, TablesBefore } from "../input.ts";
import { firstAtOrAfter, NEVER } from "../script/positions.ts";
import type { ScriptLog } from "../script/script-log.ts";
import { PLAIN, type TableLog } from "../script/table-log.ts";
import type { Write } from "./cells.ts";
import { EntryCleans } from "./entry-cleans.ts";
import { ABSENT, type Decoder, type EntryKind, MALFORMED, TABLE } from "./entry-kind.ts";

/** One value of an entry and when a walker may read it. */
export interface Version {
  readonly kind: EntryKind;
  readonly lo: number;
  readonly hi: number;
  /** Step that wrote it; 0 for what was there before the script. */
  readonly step: number;
  /** Positions [step, until) in a sequentially consistent machine. */
  readonly until: number;
  /** Positions [step, readableUntil) under the memory mode in force. */
  readonly readableUntil: number;
  /** A value between the old and the new one of a single logical update. */
  readonly isTorn: boolean;
  /** Written by a plain store over another value: who reads it meanwhile may find a part of either. */
  readonly isPlainChange: boolean;
  /** Nothing overwrites it. */
  readonly isLast: boolean;
}

/** Versions of an entry that are present. */
export function presentIn(history: readonly Version[]): number {
  let present = 0;
  for (const version of history) if (version.kind !== ABSENT) present++;
  return present;
}

/** Turns the writes of an entry into its versions, under one memory mode. */
export class VersionReader {
  readonly #log: ScriptLog;
  readonly #tables: TablesBefore;
  readonly #decoder: Decoder;
  readonly #mode: MemoryMode;
  readonly #isCoherent: boolean;
  /** Of the table asked for last. */
  #cleans: EntryCleans | null = null;

  constructor(log: ScriptLog, tables: TablesBefore, decoder: Decoder, mode: MemoryMode, isCoherent: boolean) {
    this.#log = log;
    this.#tables = tables;
    this.#decoder = decoder;
    this.#mode = mode;
    this.#isCoherent = isCoherent;
  }

  /** Position until which a value overwritten at `step` may still be read. */
  lingersUntil(table: TableLog, index: number, step: number): number {
    if (this.#mode === "strong") return step;
    if (this.#isCoherent) return this.#log.stops.barrierBehind(step);
    if (this.#cleans?.log !== table) this.#cleans = new EntryCleans(table);
    return this.#cleans.after(index, step);
  }

  /** A single version that is never overwritten. */
  constant(level: number, lo: number, hi: number): Version {
    return {
      kind: this.#decoder.kind(level, lo, hi),
      lo,
      hi,
      step: 0,
      until: NEVER,
      readableUntil: NEVER,
      isTorn: false,
      isPlainChange: false,
      isLast: true,
    };
  }

  /**
   * Versions in order, the value before the script first. A write that leaves the value as it was makes none, unless it is
   * the first into a page that becomes a table: zeros that are not pushed out, however written, leave there what was there. Nor does one
   * that stores a link again, unless the page it leads to has become another table since.
   */
  read(
    table: TableLog,
    level: number,
    index: number,
    writes: readonly Write[],
    beforeLo: number,
    beforeHi: number,
  ): Version[] {
    const decoder = this.#decoder;
    const isFresh = table.life > 0 || !this.#tables.isTable(table.table as Pfn);
    const replacesUnknown = isFresh;
    const [first] = writes;
    const meets = first!.expected;
    if (writes.length === 1 && (meets === null || !decoder.differ(beforeLo, beforeHi, meets.lo, meets.hi)))
      return this.#readOne(table, level, index, first!, beforeLo, beforeHi, replacesUnknown);
    const effective: Write[] = [];
    let lo = beforeLo;
    let hi = beforeHi;
    for (const write of writes) {
      const { expected } = write;
      if (expected !== null && decoder.differ(lo, hi, expected.lo, expected.hi)) continue;
      const isFirst = replacesUnknown && write === writes[0];
      const stored = effective.at(-1)?.step ?? 0;
      if (
        !isFirst &&
        !decoder.differ(lo, hi, write.lo, write.hi) &&
        !this.#isOtherTable(level, lo, hi, stored, write.step)
      )
        continue;
      lo = write.lo;
      hi = write.hi;
      effective.push(write);
    }
    const versions: Version[] = [];
    for (let k = -1; k < effective.length; k++) {
      const write = effective[k];
      const next = effective[k + 1];
      const before = effective[k - 1] ?? { lo: beforeLo, hi: beforeHi };
      const until = next?.step ?? NEVER;
      versions.push({
        kind: decoder.kind(level, write?.lo ?? beforeLo, write?.hi ?? beforeHi),
        lo: write?.lo ?? beforeLo,
        hi: write?.hi ?? beforeHi,
        step: write?.step ?? 0,
        until,
        readableUntil: until === NEVER ? NEVER : this.lingersUntil(table, index, until),
        isTorn: write !== undefined && this.#isTorn(level, effective, k, beforeLo, beforeHi),
        isPlainChange:
          write?.how === PLAIN &&
          ((k === 0 && replacesUnknown) || decoder.differ(before.lo, before.hi, write.lo, write.hi)),
        isLast: next === undefined,
      });
    }
    return versions;
  }

  /** The same for the one write that nearly every entry gets. */
  #readOne(
    table: TableLog,
    level: number,
    index: number,
    write: Write,
    beforeLo: number,
    beforeHi: number,
    replacesUnknown: boolean,
  ): Version[] {
    const decoder = this.#decoder;
    const { lo, hi, step } = write;
    const isSame = !replacesUnknown && !decoder.differ(beforeLo, beforeHi, lo, hi);
    if (isSame && !this.#isOtherTable(level, lo, hi, 0, step))
      return [this.constant(level, beforeLo, beforeHi)];
    return [
      {
        kind: decoder.kind(level, beforeLo, beforeHi),
        lo: beforeLo,
        hi: beforeHi,
        step: 0,
        until: step,
        readableUntil: this.lingersUntil(table, index, step),
        isTorn: false,
        isPlainChange: false,
        isLast: false,
      },
      {
        kind: decoder.kind(level, lo, hi),
        lo,
        hi,
        step,
        until: NEVER,
        readableUntil: NEVER,
        isTorn: false,
        isPlainChange: write.how === PLAIN && (replacesUnknown || decoder.differ(beforeLo, beforeHi, lo, hi)),
        isLast: true,
      },
    ];
  }

  /** True iff a link that was stored at one step leads to another table when it is stored again. */
  #isOtherTable(level: number, lo: number, hi: number, stored: number, step: number): boolean {
    if (level === 0 || this.#decoder.kind(level, lo, hi) !== TABLE) return false;
    const table = this.#decoder.frame(lo, hi);
    return this.#log.logAt(table, stored) !== this.#log.logAt(table, step);
  }

  /** True iff write `k` says something else than the first and the last value of its logical update. */
  #isTorn(level: number, writes: readonly Write[], k: number, beforeLo: number, beforeHi: number): boolean {
    const { update, lo, hi } = writes[k]!;
    let last = k;
    while (last + 1 < writes.length && this.#isOneUpdate(writes[last]!, writes[last + 1]!)) last++;
    if (update === 0 || last === k || this.#saysSame(level, writes[last]!.lo, writes[last]!.hi, lo, hi))
      return false;
    let first = k;
    while (first > 0 && this.#isOneUpdate(writes[first - 1]!, writes[first]!)) first--;
    const old = writes[first - 1] ?? { lo: beforeLo, hi: beforeHi };
    return !this.#saysSame(level, old.lo, old.hi, lo, hi);
  }

  /** True iff walks learn the same from two values: bits that hardware ignores say nothing, nor does what an absent entry holds. */
  #saysSame(level: number, lo: number, hi: number, otherLo: number, otherHi: number): boolean {
    const decoder = this.#decoder;
    if (!decoder.differ(lo, hi, otherLo, otherHi)) return true;
    const kind = decoder.kind(level, lo, hi);
    if (kind !== decoder.kind(level, otherLo, otherHi)) return false;
    if (kind === ABSENT) return true;
    return (
      kind !== MALFORMED &&
      decoder.frame(lo, hi) === decoder.frame(otherLo, otherHi) &&
      decoder.rights(lo, hi) === decoder.rights(otherLo, otherHi) &&
      (kind === TABLE || decoder.attributes(lo, hi) === decoder.attributes(otherLo, otherHi))
    );
  }

  /** Two writes with one id belong together unless a wait in between made a state of its own of the first. */
  #isOneUpdate(a: Write, b: Write): boolean {
    return a.update === b.update && firstAtOrAfter(this.#log.waits, a.step) > b.step;
  }
}
