import { bytesToPage, type Pfn, pfn } from "../units/index.ts";
import { ScriptTextError, type TableRun } from "./text.ts";

/** Entries of one table. */
export const MAX_INDEX = 512;
/** An entry has its address below this bit, on every profile; what stands above is not for a stride to change. */
export const ADDRESS_END_BIT = 52;

const ADDRESS_END = BigInt(ADDRESS_END_BIT);
const NUMBER = /^(0x[0-9a-f]+(?:_[0-9a-f]+)*|\d+(?:_\d+)*)([KMGT]?)$/i;
/** Powers of two that a suffix multiplies by. */
const SUFFIXES: Readonly<Record<string, bigint>> = { "": 0n, K: 10n, M: 20n, G: 30n, T: 40n };

/** One line of the text form, cut into `op WORD… [= VALUE…] key=value…`; its readers fail with file, line and reason. */
export class TextLine {
  readonly words: string[] = [];
  readonly values: string[] = [];
  /** Most lines of a recording have none. */
  #options: Map<string, string> | null = null;
  readonly #file: string;
  readonly #line: number;
  readonly #directMap: bigint;

  /** Addresses of tables and entries from `directMap` on are virtual ones: so much is taken off them. 0 = none are. */
  constructor(file: string, line: number, text: string, directMap = 0n) {
    this.#file = file;
    this.#line = line;
    this.#directMap = directMap;
    let afterEquals = false;
    for (const token of tokensOf(text)) {
      const equals = token.indexOf("=");
      if (token === "=") {
        if (afterEquals) this.fail('"=" stands twice in one line');
        afterEquals = true;
      } else if (equals > 0) {
        const key = token.slice(0, equals);
        this.#options ??= new Map();
        if (this.#options.has(key)) this.fail(`option "${key}" is given twice`);
        this.#options.set(key, token.slice(equals + 1));
      } else (afterEquals ? this.values : this.words).push(token);
    }
    if (afterEquals && this.values.length === 0) this.fail('nothing stands after "="');
  }

  /** `TABLE[INDEX] = FIRST count=N stride=S`, or every entry listed. */
  runs(): TableRun[] {
    if (this.values.length < 2 || this.has("count") || this.has("stride")) return [this.run()];
    const { table, index } = this.filledSlot();
    const entries = this.values.map((value) => this.entry(value));
    this.fits(index, entries.length);
    return entries.map((first, i) => ({ table, index: index + i, count: 1, first, stride: 0n }));
  }

  /** `TABLE[INDEX] = FIRST count=N stride=S`. */
  run(): TableRun {
    const { table, index } = this.filledSlot();
    const count = this.integer(this.take("count") ?? "1", "count", MAX_INDEX);
    this.fits(index, count);
    const stride = this.unsigned(this.take("stride") ?? "0", "stride");
    const first = this.value();
    const last = first + BigInt(count - 1) * BigInt.asIntN(64, stride);
    if (last >> ADDRESS_END !== first >> ADDRESS_END)
      this.fail(
        `stride= leaves the address bits before entry ${index + count - 1}: bit ${ADDRESS_END_BIT - 1} is the last of them`,
      );
    return { table, index, count, first, stride };
  }

  /** The same in a step: there a stride that is missing has been forgotten, unless zeros are stored. */
  stepRun(): TableRun {
    const isWithout = !this.has("stride");
    const run = this.run();
    if (isWithout && run.count > 1 && run.first !== 0n)
      this.fail(`${this.words[0]} needs stride=, 0 where ${run.count} entries alike are meant`);
    return run;
  }

  /** The slot of a statement that says what it is to hold. */
  filledSlot(): { table: Pfn; index: number } {
    const [op, , entry] = this.words;
    if (entry !== undefined && this.values.length === 0) this.fail(`${op} needs "=" before "${entry}"`);
    return this.slot();
  }

  /** `TABLE[INDEX]`, or the byte address of the entry itself. */
  slot(): { table: Pfn; index: number } {
    const text = this.only("an entry, like 0x100000000[3]");
    const match = /^([^[]+)\[([^\]]*)\]$/.exec(text);
    if (match !== null) {
      const index = this.integer(match[2]!, "index", MAX_INDEX - 1);
      return { table: this.tableAddress(match[1]!), index };
    }
    const address = this.#physical(this.unsigned(text, "entry address"));
    if (address % 8n !== 0n) this.fail(`entry address ${text} is no multiple of 8`);
    return {
      table: this.#table(address - (address % 4096n), text),
      index: Number(address % 4096n) / 8,
    };
  }

  fits(index: number, count: number): void {
    if (count < 1) this.fail("count must be at least 1");
    if (index + count > MAX_INDEX)
      this.fail(`entries ${index} to ${index + count - 1} leave the table; its last is ${MAX_INDEX - 1}`);
  }

  value(): bigint {
    if (this.values.length !== 1) this.fail(`${this.words[0]} needs exactly one entry after "="`);
    return this.entry(this.values[0]!);
  }

  bare(): void {
    if (this.words.length > 1) this.fail(`${this.words[0]} does not take "${this.words[1]}"`);
  }

  only(what: string): string {
    const word = this.words[1];
    if (word === undefined) this.fail(`${this.words[0]} needs ${what}`);
    if (this.words.length > 2) this.fail(`${this.words[0]} does not take "${this.words[2]}"`);
    return word;
  }

  take(key: string): string | undefined {
    const value = this.#options?.get(key);
    if (value !== undefined) this.#options!.delete(key);
    return value;
  }
  need(key: string): string {
    return this.take(key) ?? this.fail(`${this.words[0]} needs ${key}=`);
  }
  addressOption(key: string): number {
    return this.page(this.need(key), key);
  }
  sizeOption(): number {
    const pages = this.page(this.need("size"), "size");
    if (pages === 0) this.fail("size must not be 0");
    return pages;
  }

  unsigned(text: string, what: string): bigint {
    const plain = plainNumber(text);
    if (plain >= 0) return BigInt(plain);
    const [, digits, suffix] = NUMBER.exec(text) ?? this.fail(`${what} "${text}" is no number`);
    const value = BigInt(digits!.replaceAll("_", "").toLowerCase()) << SUFFIXES[suffix!.toUpperCase()]!;
    if (value >= 1n << 64n) this.fail(`${what} ${text} does not fit into 64 bits`);
    return value;
  }
  entry(text: string): bigint {
    return this.unsigned(text, "entry");
  }
  integer(text: string, what: string, most: number): number {
    const plain = plainNumber(text);
    if (plain >= 0 && plain <= most) return plain;
    const value = this.unsigned(text, what);
    if (value > BigInt(most)) this.fail(`${what} ${text} is over ${most}`);
    return Number(value);
  }
  page(text: string, what: string): number {
    const plain = plainNumber(text);
    if (plain >= 0 && plain % 4096 === 0) return plain / 4096;
    const address = this.unsigned(text, what);
    if (address % 4096n !== 0n) this.fail(`${what} ${text} is no multiple of 4096`);
    return bytesToPage(address);
  }
  tableAddress(text: string): Pfn {
    const address = this.#physical(this.unsigned(text, "table"));
    if (address % 4096n !== 0n) this.fail(`table ${text} is no multiple of 4096`);
    return this.#table(address, text);
  }
  #table(address: bigint, text: string): Pfn {
    const page = bytesToPage(address);
    if (page > 0xffff_ffff) this.fail(`table ${text} lies above the first 16 TiB`);
    return pfn(page);
  }
  #physical(address: bigint): bigint {
    return this.#directMap > 0n && address >= this.#directMap ? address - this.#directMap : address;
  }

  fail(reason: string): never {
    throw new ScriptTextError(this.#file, this.#line, reason);
  }
  has(key: string): boolean {
    return this.#options?.has(key) ?? false;
  }
  /** Fails on an option that nobody asked for. */
  end(): void {
    if (this.#options === null) return;
    for (const unused of this.#options.keys()) this.fail(`${this.words[0]} takes no option "${unused}"`);
  }
}

/** Words parted by blanks, with an equals sign that stands between blanks or behind a bracket as a word of its own. */
function tokensOf(text: string): string[] {
  const bracket = text.indexOf("]");
  const isSpaced = bracket < 0 || (text.startsWith("] = ", bracket) && text.lastIndexOf("]") === bracket);
  if (isSpaced && !OTHER_BLANKS.test(text)) return text.split(" ");
  return text.replace(SIGNS, (sign) => (sign[0] === "]" ? "] = " : " = ")).split(/\s+/);
}

const SIGNS = /\]\s*=\s*|\s+=\s+/g;
/** Blanks other than single spaces. */
const OTHER_BLANKS = / {2}|[^\S ]/;

/**
 * The value of a number without groups and suffix that is below 2^53, or -1: nearly all are, and a recording has millions of
 * them.
 */
function plainNumber(text: string): number {
  const isHex = text.charCodeAt(0) === 0x30 && (text.charCodeAt(1) | 0x20) === 0x78;
  const first = isHex ? 2 : 0;
  const digits = text.length - first;
  if (digits < 1 || digits > (isHex ? 13 : 15)) return -1;
  let value = 0;
  for (let i = first; i < text.length; i++) {
    const code = text.charCodeAt(i);
    let digit = code - 0x30;
    if (digit > 9 && isHex) digit = (code | 0x20) - 0x61 + 10;
    if (digit < 0 || digit > (isHex ? 15 : 9) || (code > 0x39 && digit < 10)) return -1;
    value = value * (isHex ? 16 : 10) + digit;
  }
  return value;
}
