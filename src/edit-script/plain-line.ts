import { ByteCursor, bytesOf, QUAD_BYTES, wordOf } from "./byte-cursor.ts";
import { OPTION, PlainOptions } from "./plain-options.ts";
import { OP } from "./records.ts";
import { ADDRESS_END_BIT, MAX_INDEX } from "./text-line.ts";

/** What a line in plain form says: a step, named by its op, or one of these. */
export const PLAIN = {
  /** Not in plain form, or perhaps wrong: only reading the line as text tells. */
  none: 0,
  mapNew: 16,
  mapAdd: 17,
  mapRemove: 18,
  /** From here on nothing that a call does. */
  mapOld: 19,
  table: 20,
  pins: 21,
  /** Blanks or a comment. */
  empty: 22,
} as const;

/** True iff a line that says this says what a call does. */
export const isOfCall = (said: number): boolean => said < PLAIN.mapOld;

const BARRIER = wordOf("barrier");
const CLEAN = wordOf("clean");
const COLLECT = wordOf("collect");
const EXCHANGE = wordOf("exchange");
const FILL = wordOf("fill");
const FREE_TABLE = wordOf("freeTable");
const INVALIDATE = wordOf("invalidate");
const PINS = wordOf("pins");
const STORE = wordOf("store");
const TABLE = wordOf("table");
const UNPIN = wordOf("unpin");
const WAIT = wordOf("wait");
const MAP_AND_BLANK = wordOf("map ");
const OLD_AND_BLANK = wordOf("old ");
const NEW_AND_BLANK = wordOf("new ");
const ADD_AND_BLANK = wordOf("add ");
const REMOVE = wordOf("remove");
/** What makes a `storeRun` of a `store`. */
const RUN = bytesOf("Run");
const DRAIN = bytesOf("drain");

/** What a trace puts before a statement ends here. */
const TRACE_MARK = bytesOf("hitless: ");

const OPENING_BRACKET = 0x5b;
const CLOSING_BRACKET = 0x5d;
const EQUALS = 0x3d;
const [FIRST_DIGIT, LAST_DIGIT] = [0x30, 0x39];
const TWO32 = 2 ** 32;
/** Bits of the high word of an entry that belong to its address. */
const LOW_OF_HIGH = 2 ** (ADDRESS_END_BIT - 32) - 1;
const TABLE_BYTES = 4096;
const ENTRY_BYTES = 8;
/** Below this one high word the whole number is exact. */
const EXACT_HIGH_WORDS = 2 ** 21;
/** Tables lie in the first 16 TiB. */
const MOST_TABLE_PFN = 0xffff_ffff;

/**
 * Recognises at sight the lines that recordings have by the hundred thousand: operands first, then options, and numbers without
 * groups, with suffixes in sizes only.
 *
 * It knows no errors. Whatever is not of such a form, or has a value that might be refused, is PLAIN.none, and `TextLine` says
 * what it means or what is wrong with it; what is recognised means there what it means here.
 */
export class PlainLine {
  readonly options = new PlainOptions();
  table = 0;
  index = 0;
  /** The entry as two words, each signed or not. */
  low = 0;
  high = 0;
  /** Entries that a `table` line lists, two words each. */
  readonly listed = new Uint32Array(2 * MAX_INDEX);
  /** How many: one where they are given by `count=`. */
  listedCount = 0;
  /** First frame of `unpin` and `pins`. */
  pfn = 0;
  isDraining = false;
  readonly #cursor: ByteCursor;
  #directMapLow = 0;
  #directMapHigh = 0;

  constructor(bytes: Uint8Array) {
    this.#cursor = new ByteCursor(bytes);
  }

  get bytes(): Uint8Array {
    return this.#cursor.bytes;
  }

  /** Addresses of tables and entries from here on are virtual ones: so much is taken off them. 0 = none are. */
  setDirectMap(base: bigint): void {
    this.#directMapLow = Number(base & 0xffff_ffffn);
    this.#directMapHigh = Number(base >> 32n);
  }

  get stride(): bigint {
    return bigintOf(this.options.strideLow >>> 0, this.options.strideHigh >>> 0);
  }

  /** Where the line ends that was read last. Pre: it was in plain form. */
  get end(): number {
    return this.#cursor.at;
  }

  /** An entry that a `table` line lists. */
  entryListed(i: number): bigint {
    return bigintOf(this.listed[2 * i]!, this.listed[2 * i + 1]!);
  }

  /** Reads the line that begins at a position, and answers what it says. Pre: it has a line end. */
  read(start: number): number {
    const cursor = this.#cursor;
    cursor.at = start;
    const said = this.#statement();
    if (said !== PLAIN.none) return said;
    cursor.at = start;
    return cursor.seek(TRACE_MARK) ? this.#statement() : PLAIN.none;
  }

  #statement(): number {
    const cursor = this.#cursor;
    const start = cursor.at;
    cursor.blanks();
    switch (cursor.quad()) {
      case MAP_AND_BLANK.quad:
        return this.#map();
      case STORE.quad:
        if (!cursor.skip(STORE.rest)) return PLAIN.none;
        return cursor.skip(RUN) ? this.#run(OP.storeRun) : this.#store();
      case UNPIN.quad:
        return cursor.skip(UNPIN.rest) ? this.#frames(OP.unpin, 0) : PLAIN.none;
      case TABLE.quad:
        return cursor.skip(TABLE.rest) ? this.#listing() : PLAIN.none;
      case CLEAN.quad:
        return cursor.skip(CLEAN.rest) ? this.#span(OP.clean) : PLAIN.none;
      case COLLECT.quad:
        return cursor.skip(COLLECT.rest) ? this.#span(OP.collect) : PLAIN.none;
      case BARRIER.quad:
        return cursor.skip(BARRIER.rest) ? this.#ends(OP.barrier, 0, 0) : PLAIN.none;
      case FILL.quad:
        return this.#run(OP.fill);
      case FREE_TABLE.quad:
        return cursor.skip(FREE_TABLE.rest) ? this.#freeTable() : PLAIN.none;
      case EXCHANGE.quad:
        return cursor.skip(EXCHANGE.rest) ? this.#exchange() : PLAIN.none;
      case INVALIDATE.quad:
        return cursor.skip(INVALIDATE.rest) ? this.#invalidate() : PLAIN.none;
      case WAIT.quad:
        return this.#wait();
      case PINS.quad:
        return this.#frames(PLAIN.pins, OPTION.count);
      default:
        cursor.at -= QUAD_BYTES;
        // What looks like a comment may be a task's name, where something stands before it.
        return (cursor.at === start || !cursor.isAtHash()) && cursor.isOver() ? PLAIN.empty : PLAIN.none;
    }
  }

  #map(): number {
    const cursor = this.#cursor;
    let said: number = PLAIN.none;
    switch (cursor.quad()) {
      case OLD_AND_BLANK.quad:
        said = PLAIN.mapOld;
        break;
      case NEW_AND_BLANK.quad:
        said = PLAIN.mapNew;
        break;
      case ADD_AND_BLANK.quad:
        said = PLAIN.mapAdd;
        break;
      case REMOVE.quad:
        if (!cursor.skip(REMOVE.rest)) return PLAIN.none;
        return this.#ends(PLAIN.mapRemove, OPTION.iova | OPTION.size, 0);
      default:
        return PLAIN.none;
    }
    cursor.at--;
    return this.#ends(said, OPTION.iova | OPTION.size | OPTION.frame, OPTION.rights);
  }

  #store(): number {
    return this.#slot() && this.#equals() && this.#entry() ? this.#ends(OP.store, 0, OPTION.u) : PLAIN.none;
  }

  /** `TABLE[INDEX] = FIRST count=N stride=S` */
  #run(op: number): number {
    if (!this.#slot() || !this.#equals() || !this.#entry()) return PLAIN.none;
    const said = this.#ends(op, 0, OPTION.count | OPTION.stride | OPTION.u);
    const { count, strideLow, strideHigh } = this.options;
    const isZero = this.low === 0 && this.high === 0;
    if (count > 1 && !isZero && strideLow === 0 && strideHigh === 0) return PLAIN.none;
    return this.#counts() ? said : PLAIN.none;
  }

  #exchange(): number {
    if (!this.#slot() || !this.#equals() || !this.#entry()) return PLAIN.none;
    return this.#ends(OP.exchange, OPTION.expected, OPTION.u);
  }

  /** `TABLE[INDEX] count=N` */
  #span(op: number): number {
    const said = this.#slot() ? this.#ends(op, 0, OPTION.count) : PLAIN.none;
    return said !== PLAIN.none && this.#fits(this.options.count) ? said : PLAIN.none;
  }

  /** Entries listed, or one with `count=` and `stride=`. */
  #listing(): number {
    if (!this.#slot() || !this.#equals() || !this.#entry()) return PLAIN.none;
    const cursor = this.#cursor;
    const { listed } = this;
    let count = 0;
    for (;;) {
      listed[2 * count] = cursor.low;
      listed[2 * count + 1] = cursor.high;
      count++;
      const behind = cursor.at;
      if (!cursor.blanks() || cursor.byte < FIRST_DIGIT || cursor.byte > LAST_DIGIT) {
        cursor.at = behind;
        break;
      }
      if (count === MAX_INDEX || !cursor.number()) return PLAIN.none;
    }
    this.listedCount = count;
    const said = this.#ends(PLAIN.table, 0, count === 1 ? OPTION.count | OPTION.stride : 0);
    return (count === 1 ? this.#counts() : this.#fits(count)) ? said : PLAIN.none;
  }

  #frames(said: number, allowed: number): number {
    const cursor = this.#cursor;
    if (!cursor.blanks() || (this.pfn = cursor.page()) < 0) return PLAIN.none;
    return this.#ends(said, OPTION.size, allowed);
  }

  #freeTable(): number {
    if (!this.#cursor.blanks() || !this.#physical()) return PLAIN.none;
    const isTable = this.#isTable(this.#cursor.pageRead());
    return isTable ? this.#ends(OP.freeTable, 0, 0) : PLAIN.none;
  }

  #invalidate(): number {
    return this.#ends(OP.invalidate, OPTION.iova | OPTION.size, OPTION.domain | OPTION.scope | OPTION.caches);
  }

  #wait(): number {
    const cursor = this.#cursor;
    const behind = cursor.at;
    this.isDraining = cursor.blanks() && cursor.skip(DRAIN);
    if (!this.isDraining) cursor.at = behind;
    return this.#ends(OP.wait, 0, 0);
  }

  /** `said` iff the rest of the line is these options. */
  #ends(said: number, needed: number, optional: number): number {
    return this.options.read(this.#cursor, needed | optional, needed) ? said : PLAIN.none;
  }

  /** True iff entries from the one that was read on fit into the table, and ascend within their address bits. */
  #counts(): boolean {
    const { count, strideLow, strideHigh } = this.options;
    if (!this.#fits(count)) return false;
    const address = (this.high & LOW_OF_HIGH) * TWO32 + (this.low >>> 0);
    const stride = (strideHigh >>> 0) * TWO32 + (strideLow >>> 0);
    return count === 1 || address + (count - 1) * stride < 2 ** ADDRESS_END_BIT;
  }

  #fits(count: number): boolean {
    return count >= 1 && this.index + count <= MAX_INDEX;
  }

  /** `TABLE[INDEX]`, or the byte address of the entry itself. */
  #slot(): boolean {
    const cursor = this.#cursor;
    if (!cursor.blanks() || !this.#physical()) return false;
    if (cursor.byte === OPENING_BRACKET) return this.#isTable(cursor.pageRead()) && this.#bracketed();
    const inTable = cursor.low & (TABLE_BYTES - 1);
    if (inTable % ENTRY_BYTES !== 0) return false;
    this.index = inTable / ENTRY_BYTES;
    cursor.low -= inTable;
    return this.#isTable(cursor.pageRead());
  }

  /** `[INDEX]` */
  #bracketed(): boolean {
    const cursor = this.#cursor;
    cursor.at++;
    this.index = cursor.integer(MAX_INDEX - 1);
    if (this.index < 0 || cursor.byte !== CLOSING_BRACKET) return false;
    cursor.at++;
    return true;
  }

  #isTable(pfn: number): boolean {
    this.table = pfn;
    return pfn >= 0 && pfn <= MOST_TABLE_PFN;
  }

  /** "=" between blanks; behind a bracket they may be left out. */
  #equals(): boolean {
    const cursor = this.#cursor;
    const isBehindBracket = cursor.bytes[cursor.at - 1] === CLOSING_BRACKET;
    const isParted = cursor.blanks();
    if (cursor.byte !== EQUALS) return false;
    cursor.at++;
    return (cursor.blanks() && isParted) || isBehindBracket;
  }

  #entry(): boolean {
    const cursor = this.#cursor;
    const isNumber = cursor.number();
    this.low = cursor.low;
    this.high = cursor.high;
    return isNumber;
  }

  /** Reads an address of a table or an entry, and takes off what a direct map adds to it. */
  #physical(): boolean {
    const cursor = this.#cursor;
    if (!cursor.number()) return false;
    const [baseLow, baseHigh] = [this.#directMapLow, this.#directMapHigh];
    if (baseLow === 0 && baseHigh === 0) return true;
    const low = cursor.low >>> 0;
    const high = cursor.high >>> 0;
    if (high < baseHigh || (high === baseHigh && low < baseLow)) return true;
    cursor.low = (low - baseLow) | 0;
    cursor.high = (high - baseHigh - (low < baseLow ? 1 : 0)) | 0;
    return true;
  }
}

/** A 64-bit value of two unsigned words. */
const bigintOf = (low: number, high: number): bigint =>
  high < EXACT_HIGH_WORDS ? BigInt(high * TWO32 + low) : (BigInt(high) << 32n) | BigInt(low);
