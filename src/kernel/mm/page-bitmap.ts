/**
 * A set of page indices of one backing, one bit each; reserved at once and committed by the host as bits are
 * set.
 */
export class PageBitmap {
  readonly #words: Uint32Array;
  readonly pages: number;

  constructor(pages: number) {
    this.pages = pages;
    this.#words = new Uint32Array((pages + 31) >>> 5);
  }

  has(index: number): boolean {
    return (this.#words[index >>> 5]! & (1 << (index & 31))) !== 0;
  }

  /** Adds [start, end). */
  addRange(start: number, end: number): void {
    let i = start;
    for (; i < end && (i & 31) !== 0; i++) this.#words[i >>> 5]! |= 1 << (i & 31);
    const whole = i + ((end - i) & ~31);
    if (whole > i) this.#words.fill(0xffff_ffff, i >>> 5, whole >>> 5);
    for (i = Math.max(i, whole); i < end; i++) this.#words[i >>> 5]! |= 1 << (i & 31);
  }

  /** First index in [start, end) whose membership is `member`, or `end`. */
  next(start: number, end: number, member: boolean): number {
    const skip = member ? 0 : 0xffff_ffff;
    let i = start;
    while (i < end) {
      if ((i & 31) === 0 && this.#words[i >>> 5]! === skip) i += 32;
      else if (this.has(i) === member) return i;
      else i++;
    }
    return end;
  }
}
