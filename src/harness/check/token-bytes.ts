/** A replay token that cannot be read; the sentence says why. */
export class TokenError extends Error {
  override name = "TokenError";
}

/**
 * Words that tokens hold often, one byte each. Append only: the position is what old tokens hold.
 */
const WORDS: readonly string[] = [
  ...["check", "stress", "fuzz", "legacy", "vmm-diff", "set-map", "epoch", "strong", "weak", "both"],
  ...["vtd-ss-39", "vtd-ss-48", "vtd-ss-57", "vtd-ss-39-cm", "vtd-ss-48-cm", "vtd-ss-57-cm"],
  ...["vtd-ss-39-nc", "vtd-ss-48-nc", "vtd-ss-57-nc", "pop", "fragmented", "thp", "huge2m", "huge1g"],
  ...["V01", "V01b", "V02", "V03", "V04", "V04b", "V05", "V06", "V07", "V08", "V09", "V10", "V11", "V12"],
  ...["V13", "V14", "V15", "V16", "V17", "V18", "pam-2020", "tseg", "boundary-2m", "boundary-1g"],
  ...["split-rejoin", "remap", "read-only-flips", "replace-all", "no-change", ""],
];
/** A first byte from here on is the length of a word spelled out; the last one means that a number follows. */
const SPELLED = 0x80;
const LONG = 0xff;

/** Writes numbers and words; small ones take one byte. */
export class TokenWriter {
  readonly #bytes: number[] = [];

  /** Pre: 0 ≤ n ≤ 2^53 - 1. */
  number(n: number): this {
    let rest = n;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) this.#bytes.push((rest % 0x80) | 0x80);
    this.#bytes.push(rest);
    return this;
  }

  word(text: string): this {
    const known = WORDS.indexOf(text);
    if (known >= 0) this.#bytes.push(known);
    else {
      const bytes = new TextEncoder().encode(text);
      if (bytes.length < LONG - SPELLED) this.#bytes.push(SPELLED + bytes.length);
      else {
        this.#bytes.push(LONG);
        this.number(bytes.length);
      }
      this.#bytes.push(...bytes);
    }
    return this;
  }

  /** All of it as base64url, closed by a check byte that a slip of the pen is found by. */
  text(): string {
    return Buffer.from([...this.#bytes, checkByte(this.#bytes)]).toString("base64url");
  }
}

/** Reads what a TokenWriter wrote. Errors: TokenError. */
export class TokenReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(text: string) {
    if (!/^[\w-]+$/.test(text))
      throw new TokenError(`'${text}' is no replay token: letters, digits, - and _ only`);
    const bytes = Buffer.from(text, "base64url");
    const body = bytes.subarray(0, -1);
    if (bytes.length < 3 || bytes.at(-1) !== checkByte(body) || bytes.toString("base64url") !== text)
      throw new TokenError(`'${text}' is no replay token, or part of it is missing or changed`);
    this.#bytes = body;
  }

  number(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.#byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      if (scale > 2 ** 49) throw new TokenError("the replay token holds a number that is too large");
    }
  }

  word(): string {
    const first = this.#byte();
    if (first < SPELLED) {
      const known = WORDS[first];
      if (known === undefined) throw new TokenError("the replay token was made by a newer version");
      return known;
    }
    const length = first === LONG ? this.number() : first - SPELLED;
    if (length > this.#bytes.length - this.#at) throw new TokenError("the replay token ends too early");
    const bytes = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return new TextDecoder().decode(bytes);
  }

  /** Errors: TokenError unless all was read. */
  end(): void {
    if (this.#at !== this.#bytes.length) throw new TokenError("the replay token holds more than it should");
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw new TokenError("the replay token ends too early");
    return byte;
  }
}

/** CRC-8 with the polynomial x^8 + x^2 + x + 1. */
function checkByte(bytes: Iterable<number>): number {
  let crc = 0xa5;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x80 ? ((crc << 1) ^ 0x07) & 0xff : crc << 1;
  }
  return crc;
}

/** 32-bit FNV-1a of a text: tells whether an input is the one a token was made from. */
export function textHash(text: string): number {
  let hash = 0x811c_9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x0100_0193) >>> 0;
  return hash;
}
