const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const TAB = 0x09;
const HASH = 0x23;
const ZERO = 0x30;
const LOWER_X = 0x78;
const TWO32 = 0x1_0000_0000;
/** A page number is an address without its 12 low bits: so many pages does a high word stand for. */
const PAGES_PER_HIGH_WORD = 2 ** 20;

/** So many bytes are looked at past a line end at most. */
export const QUAD_BYTES = 4;

/** Digits that surely fit: 64 bits in hexadecimal, 53 bits in decimal. */
const MOST_HEX_DIGITS = 16;
const MOST_DECIMAL_DIGITS = 15;

/** What a byte is worth as a digit; NO_DIGIT where it is none. */
const NO_DIGIT = 16;
const DIGIT_OF = new Uint8Array(256).fill(NO_DIGIT);
for (let digit = 0; digit < 10; digit++) DIGIT_OF[ZERO + digit] = digit;
for (let digit = 10; digit < 16; digit++)
  for (const letter of ["a", "A"]) DIGIT_OF[letter.charCodeAt(0) + digit - 10] = digit;

/** Powers of two that the letter behind a size multiplies by; 0 where a byte is no such letter. */
const SHIFT_OF = new Uint8Array(256);
for (const [letter, shift] of Object.entries({ K: 10, M: 20, G: 30, T: 40 }))
  for (const own of [letter, letter.toLowerCase()]) SHIFT_OF[own.charCodeAt(0)] = shift;
/** A size with a letter is mostly a small number of them. */
const MOST_WITH_LETTER = 4096;
const PAGE_SHIFT = 12;

/** A word as its bytes. Pre: ASCII. */
export const bytesOf = (word: string): Uint8Array => new TextEncoder().encode(word);

/** A word of four letters or more, cut so that it is told from others in one look. */
interface Word {
  /** Its first four bytes, as `ByteCursor.quad` reads them. */
  readonly quad: number;
  readonly rest: Uint8Array;
}

/** Pre: ASCII, four bytes at least. */
export function wordOf(text: string): Word {
  const cursor = new ByteCursor(bytesOf(text));
  return { quad: cursor.quad(), rest: bytesOf(text.slice(QUAD_BYTES)) };
}

/**
 * Reads bytes from left to right. A reader that does not find what it looks for leaves the position anywhere in the line.
 *
 * Pre: a line end stands at or behind the position whenever something is read, and at least QUAD_BYTES behind that line end. Only
 * `quad` may go past it.
 */
export class ByteCursor {
  readonly bytes: Uint8Array;
  at = 0;
  /** The number that was read last as two words, each as a signed one: those are cheap to hold. */
  low = 0;
  high = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** The byte at the position. */
  get byte(): number {
    return this.bytes[this.at]!;
  }

  /** The next four bytes as one number: a word is told from others by them in one look. */
  quad(): number {
    const { bytes, at } = this;
    this.at = at + QUAD_BYTES;
    return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
  }

  /** True iff there was at least one blank. */
  blanks(): boolean {
    const { bytes } = this;
    const start = this.at;
    let at = start;
    while (bytes[at] === SPACE || bytes[at] === TAB) at++;
    this.at = at;
    return at > start;
  }

  /** True iff only blanks and a comment are left of the line; the position is its end then. */
  isOver(): boolean {
    this.blanks();
    const { bytes } = this;
    let byte = bytes[this.at]!;
    if (byte === HASH) {
      let at = this.at;
      while (byte !== LINE_FEED && byte !== CARRIAGE_RETURN) byte = bytes[++at]!;
      this.at = at;
    }
    return byte === LINE_FEED || byte === CARRIAGE_RETURN;
  }

  /** True iff a comment may begin here. */
  isAtHash(): boolean {
    return this.bytes[this.at] === HASH;
  }

  /** True iff these bytes stand here. Pre: no line end is among them. */
  skip(word: Uint8Array): boolean {
    const { bytes } = this;
    const start = this.at;
    for (let i = 0; i < word.length; i++) if (bytes[start + i] !== word[i]) return false;
    this.at = start + word.length;
    return true;
  }

  /** Goes behind the first place in the line at which a word stands, comments left out. Pre: as for `skip`. */
  seek(word: Uint8Array): boolean {
    const { bytes } = this;
    for (let at = this.at; ; at++) {
      const byte = bytes[at]!;
      if (byte === LINE_FEED || byte === CARRIAGE_RETURN || byte === HASH) return false;
      if (byte !== word[0]) continue;
      this.at = at;
      if (this.skip(word)) return true;
    }
  }

  /** Reads a number without groups and suffix; what stands behind it is not looked at. */
  number(): boolean {
    const { bytes } = this;
    return bytes[this.at] === ZERO && bytes[this.at + 1] === LOWER_X ? this.#hexadecimal() : this.#decimal();
  }

  /** A number that is not above `most`, or -1. */
  integer(most: number): number {
    if (!this.number()) return -1;
    const value = (this.high >>> 0) * TWO32 + (this.low >>> 0);
    return value <= most ? value : -1;
  }

  /** The page at an address, or -1 where none begins. */
  page(): number {
    return this.number() ? this.pageRead() : -1;
  }

  /** The page at the address that was read last, or -1 where none begins. */
  pageRead(): number {
    return (this.low & 0xfff) === 0 ? (this.high >>> 0) * PAGES_PER_HIGH_WORD + (this.low >>> 12) : -1;
  }

  /** The pages of a size, which may end in K, M, G or T; -1 where it is none, or not whole pages. */
  pages(): number {
    if (!this.number()) return -1;
    const shift = SHIFT_OF[this.bytes[this.at]!]!;
    if (shift === 0) return this.pageRead();
    this.at++;
    if (this.high !== 0 || this.low >>> 0 > MOST_WITH_LETTER) return -1;
    const pages = (this.low >>> 0) * 2 ** (shift - PAGE_SHIFT);
    return Number.isInteger(pages) ? pages : -1;
  }

  #hexadecimal(): boolean {
    const { bytes } = this;
    const first = this.at + 2;
    let at = first;
    let low = 0;
    let high = 0;
    for (let digit = DIGIT_OF[bytes[at]!]!; digit < NO_DIGIT; digit = DIGIT_OF[bytes[++at]!]!) {
      high = (high << 4) | (low >>> 28);
      low = (low << 4) | digit;
    }
    this.at = at;
    this.low = low;
    this.high = high;
    return at > first && at - first <= MOST_HEX_DIGITS;
  }

  #decimal(): boolean {
    const { bytes } = this;
    const first = this.at;
    let at = first;
    let value = 0;
    for (let digit = DIGIT_OF[bytes[at]!]!; digit < 10; digit = DIGIT_OF[bytes[++at]!]!)
      value = value * 10 + digit;
    this.at = at;
    this.low = value | 0;
    this.high = (value / TWO32) | 0;
    return at > first && at - first <= MOST_DECIMAL_DIGITS;
  }
}
