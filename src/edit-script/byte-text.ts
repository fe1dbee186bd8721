import { QUAD_BYTES } from "./byte-cursor.ts";

/** Stands for every character that is not of ASCII: no statement in plain form has one. */
const OTHER_CHARACTER = 0xff;
const BYTE_ORDER_MARK = "\ufeff";
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/**
 * A text of which most is read as bytes, and only lines that need it as characters: strings of a hundred thousand lines are what
 * reading them line by line costs. In UTF-8 a line end is never a byte of another character.
 */
export class ByteText {
  readonly bytes: Uint8Array;
  /** Where the text begins: behind a byte order mark. */
  readonly start: number;
  /** Lines that begin up to here have a line end, and behind that as many bytes as `ByteCursor` may look at. */
  readonly lastStart: number;
  readonly #text: string | null;
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });

  /** Bytes are UTF-8; what is none there is read as U+FFFD. Pre: they do not change as long as they are read. */
  constructor(text: string | Uint8Array) {
    if (typeof text === "string") {
      this.#text = text;
      this.bytes = narrowed(text);
      this.start = text.startsWith(BYTE_ORDER_MARK) ? 1 : 0;
    } else {
      this.#text = null;
      this.bytes = new Uint8Array(text.buffer, text.byteOffset, text.byteLength);
      const [first, second, third] = text;
      this.start = first === 0xef && second === 0xbb && third === 0xbf ? 3 : 0;
    }
    this.lastStart = lastEndBefore(this.bytes, this.bytes.length - QUAD_BYTES);
  }

  /** Where the line that begins at a position ends, its line end left out. */
  endOfLine(start: number): number {
    const { bytes } = this;
    let at = start;
    while (at < bytes.length && bytes[at] !== LINE_FEED && bytes[at] !== CARRIAGE_RETURN) at++;
    return at;
  }

  /** Where the line behind the one that ends at a position begins. Pre: a line ends there, and it is not the last. */
  nextLine(end: number): number {
    const { bytes } = this;
    const isPair = bytes[end] === CARRIAGE_RETURN && end + 1 < bytes.length && bytes[end + 1] === LINE_FEED;
    return isPair ? end + 2 : end + 1;
  }

  /** The characters of a part. Pre: it begins and ends at line ends. */
  part(start: number, end: number): string {
    if (this.#text !== null) return this.#text.slice(start, end);
    return this.#decoder.decode(this.bytes.subarray(start, end));
  }
}

/**
 * Position of the last line end before another position, -1 where there is none. To look for each kind by itself is to read all bytes for
 * the one that is not there.
 */
function lastEndBefore(bytes: Uint8Array, end: number): number {
  let at = end - 1;
  while (at >= 0 && bytes[at] !== LINE_FEED && bytes[at] !== CARRIAGE_RETURN) at--;
  return at;
}

/** One byte for each code unit, so that positions are the same in both. */
function narrowed(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length === text.length) return bytes;
  const narrow = new Uint8Array(text.length);
  for (let i = 0; i < narrow.length; i++) {
    const code = text.charCodeAt(i);
    narrow[i] = code < 0x80 ? code : OTHER_CHARACTER;
  }
  return narrow;
}
