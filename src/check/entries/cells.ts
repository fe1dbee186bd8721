import { OP, RECORD_WORDS } from "../../edit-script/index.ts";
import { LIVE, PLAIN, type TableLog } from "../script/table-log.ts";
import { ABSENT, type Decoder, LEAF } from "./entry-kind.ts";

const TWO32 = 0x1_0000_0000;
const PAGE_BYTES = 4096;

/** One value an entry is given. In a cell of several entries frames rise by the entry span from entry to entry. */
export interface Write {
  readonly step: number;
  readonly stretch: number;
  readonly lo: number;
  readonly hi: number;
  readonly update: number;
  readonly how: typeof LIVE | typeof PLAIN;
  /** Compare-exchange takes place only where the entry holds this. */
  readonly expected: { readonly lo: number; readonly hi: number } | null;
  readonly isExchange: boolean;
}

/** Neighbouring entries of one table with the same history up to the frames. */
export interface Cell {
  readonly first: number;
  readonly count: number;
  readonly writes: readonly Write[];
}

/** What a script writes into one table, as cells; entries it does not write are in none. */
export class CellTable {
  readonly #cells: readonly Cell[];
  /** Entries outside of [low, high) are not written: of many tables a script writes one or two. */
  readonly #low: number;
  readonly #high: number;
  /** Position in `cells` by entry, from `low` on; -1 where the entry is not written. */
  readonly #cellOf: Int16Array;

  constructor(cells: readonly Cell[], low: number, cellOf: Int16Array) {
    this.#cells = cells;
    this.#low = low;
    this.#high = low + cellOf.length;
    this.#cellOf = cellOf;
  }

  /** The cell of an entry; null where it is not written. */
  cellAt(index: number): Cell | null {
    return this.isWritten(index) ? this.#cells[this.#cellOf[index - this.#low]!]! : null;
  }

  isWritten(index: number): boolean {
    return index >= this.#low && index < this.#high && this.#cellOf[index - this.#low]! >= 0;
  }

  /** The first entry from one on that is written, `last` where none before it is. */
  unwrittenUntil(from: number, last: number): number {
    const high = Math.min(this.#high, last);
    let at = Math.max(from, this.#low);
    while (at < high && this.#cellOf[at - this.#low]! < 0) at++;
    return at < high ? at : last;
  }
}

/** Sorts the writes of a table by entry and joins entries whose history is the same. */
export function cellsOf(
  words: Uint32Array,
  log: TableLog,
  level: number,
  entries: number,
  span: number,
  decoder: Decoder,
  collapse: boolean,
): CellTable {
  const [low, high] = writtenSpan(log, entries);
  const cut = new Uint8Array(high - low + 1);
  for (let k = 0; k < log.writes; k++) {
    const at = log.record(k);
    const first = log.index(k) - low;
    const end = Math.min(first + log.count(k), high - low);
    cut[first] = cut[end] = 1;
    if (end - first > 1 && !(collapse && isRegular(words, at, level, span, decoder)))
      cut.fill(1, first + 1, end);
  }
  // Entries are cleaned at different times on either side of such an edge, however alike what is written there.
  const isEdge = log.cleans.length > 0 ? new Uint8Array(high - low + 1) : null;
  for (const clean of log.cleans)
    for (const index of [clean.index - low, clean.index + clean.count - low])
      if (index >= 0 && index <= high - low) cut[index] = isEdge![index] = 1;
  const chains: (Write[] | undefined)[] = new Array(high - low);
  for (let k = 0; k < log.writes; k++) {
    const at = log.record(k);
    const first = log.index(k) - low;
    const end = Math.min(first + log.count(k), high - low);
    for (let i = first; i < end; i++) {
      if (cut[i] === 0) continue;
      const write = writeAt(words, at, i - first, log.step(k), log.stretch(k));
      const chain = chains[i];
      if (chain === undefined) chains[i] = [write];
      else chain.push(write);
    }
  }
  const cells: Cell[] = [];
  const cellOf = new Int16Array(high - low).fill(-1);
  let previous: { first: number; count: number; writes: readonly Write[] } | null = null;
  for (let begin = 0; begin < high - low; ) {
    let end = begin + 1;
    while (end < high - low && cut[end] === 0) end++;
    const writes = chains[begin];
    const first = low + begin;
    if (writes !== undefined) {
      if (
        previous !== null &&
        collapse &&
        isEdge?.[begin] !== 1 &&
        previous.first + previous.count === first &&
        continues(previous.writes, writes, previous.count, level, span, decoder)
      )
        previous.count += end - begin;
      else cells.push((previous = { first, count: end - begin, writes }));
      cellOf.fill(cells.length - 1, begin, end);
    } else previous = null;
    begin = end;
  }
  return new CellTable(cells, low, cellOf);
}

/** The entries [low, high) outside of which a script writes none of a table. */
function writtenSpan(log: TableLog, entries: number): readonly [low: number, high: number] {
  let [low, high] = [entries, 0];
  for (let k = 0; k < log.writes; k++) {
    low = Math.min(low, log.index(k));
    high = Math.max(high, Math.min(entries, log.index(k) + log.count(k)));
  }
  return low < high ? [low, high] : [0, 0];
}

/** True iff a run of writes gives leaves that continue each other, or nothing but absent entries. */
export function isRegular(
  words: Uint32Array,
  at: number,
  level: number,
  span: number,
  decoder: Decoder,
): boolean {
  const op = words[at]! & 0xff;
  if (op === OP.gather) return false;
  const kind = decoder.kind(level, words[at + 4]!, words[at + 5]!);
  const stride = words[at + 7]! * TWO32 + words[at + 6]!;
  if (kind === ABSENT) return stride === 0;
  return kind === LEAF && stride === span * 4096;
}

/** Low word of what a write gives the entry `i` behind its first. `at`: word where its record starts. */
export function lowAt(words: Uint32Array, at: number, i: number): number {
  if ((words[at]! & 0xff) === OP.gather) return words[at + RECORD_WORDS + 2 * i]!;
  return i === 0 ? words[at + 4]! : (words[at + 4]! + i * words[at + 6]!) % TWO32;
}

/** High word of the same. */
export function highAt(words: Uint32Array, at: number, i: number): number {
  if ((words[at]! & 0xff) === OP.gather) return words[at + RECORD_WORDS + 2 * i + 1]!;
  if (i === 0) return words[at + 5]!;
  const carry = Math.floor((words[at + 4]! + i * words[at + 6]!) / TWO32);
  return (words[at + 5]! + i * words[at + 7]! + carry) % TWO32;
}

export function writeAt(words: Uint32Array, at: number, i: number, step: number, stretch: number): Write {
  const op = words[at]! & 0xff;
  const isExchange = op === OP.exchange;
  return {
    step,
    stretch,
    lo: lowAt(words, at, i),
    hi: highAt(words, at, i),
    update: words[at + 1]!,
    how: op === OP.fill || op === OP.gather ? PLAIN : LIVE,
    expected: isExchange ? { lo: words[at + 6]!, hi: words[at + 7]! } : null,
    isExchange,
  };
}

/** True iff `next` is what `first` does, `distance` entries further on. */
function continues(
  first: readonly Write[],
  next: readonly Write[],
  distance: number,
  level: number,
  span: number,
  decoder: Decoder,
): boolean {
  if (first.length !== next.length) return false;
  for (let k = 0; k < first.length; k++) {
    const a = first[k]!;
    const b = next[k]!;
    if (a.stretch !== b.stretch || a.how !== b.how || a.isExchange !== b.isExchange || a.isExchange)
      return false;
    if (k > 0 && (a.update === first[k - 1]!.update) !== (b.update === next[k - 1]!.update)) return false;
    const kind = decoder.kind(level, a.lo, a.hi);
    if (kind !== decoder.kind(level, b.lo, b.hi)) return false;
    if (kind === ABSENT) {
      if (a.lo !== b.lo || a.hi !== b.hi) return false;
    } else if (
      kind !== LEAF ||
      !goesOn(a.lo, a.hi, b.lo, b.hi, distance * span, decoder) ||
      decoder.isDirty(a.lo, a.hi) !== decoder.isDirty(b.lo, b.hi)
    )
      return false;
  }
  return true;
}

/** True iff two leaves say the same, the second of a frame so many pages further on. */
export const goesOn = (
  lo: number,
  hi: number,
  nextLo: number,
  nextHi: number,
  pages: number,
  decoder: Decoder,
): boolean =>
  decoder.frame(lo, hi) + pages === decoder.frame(nextLo, nextHi) &&
  decoder.rights(lo, hi) === decoder.rights(nextLo, nextHi) &&
  decoder.attributes(lo, hi) === decoder.attributes(nextLo, nextHi);

/** The writes of a cell as entry `first + by` sees them. */
export function shifted(
  cell: Cell,
  by: number,
  span: number,
  level: number,
  decoder: Decoder,
): readonly Write[] {
  if (by === 0) return cell.writes;
  return cell.writes.map((write) => {
    if (decoder.kind(level, write.lo, write.hi) !== LEAF) return write;
    const low = write.lo + by * span * PAGE_BYTES;
    return { ...write, lo: low % TWO32, hi: write.hi + Math.floor(low / TWO32) };
  });
}

/** Last value of every entry that a table's writes leave; `before` is what the table held at first. */
export function decodeWrites(
  words: Uint32Array,
  log: TableLog,
  entries: number,
  decoder: Decoder,
  before: (index: number) => { readonly lo: number; readonly hi: number },
): { readonly lo: Uint32Array; readonly hi: Uint32Array; readonly isWritten: Uint8Array } {
  const lo = new Uint32Array(entries);
  const hi = new Uint32Array(entries);
  const isWritten = new Uint8Array(entries);
  for (let k = 0; k < log.writes; k++) {
    const at = log.record(k);
    const index = words[at + 3]! & 0xffff;
    const count = Math.min(words[at + 3]! >>> 16, entries - index);
    for (let i = 0; i < count; i++) {
      const write = writeAt(words, at, i, 0, 0);
      if (write.expected !== null) {
        const held = isWritten[index + i] ? { lo: lo[index + i]!, hi: hi[index + i]! } : before(index + i);
        if (decoder.differ(held.lo, held.hi, write.expected.lo, write.expected.hi)) continue;
      }
      lo[index + i] = write.lo;
      hi[index + i] = write.hi;
      isWritten[index + i] = 1;
    }
  }
  return { lo, hi, isWritten };
}
