/** First-fit allocator of byte ranges inside the oracle's part of shared memory. One owner, the harness's thread. */
export class Arena {
  /** Free ranges, ascending, never adjacent. */
  readonly #free: { start: number; end: number }[];

  constructor(start: number, end: number) {
    this.#free = [{ start, end }];
  }

  /** Offset of `bytes` bytes aligned to 64, or -1 when no free range is large enough. */
  allocate(bytes: number): number {
    const size = Math.max(64, Math.ceil(bytes / 64) * 64);
    const index = this.#free.findIndex((range) => range.end - range.start >= size);
    if (index < 0) return -1;
    const range = this.#free[index]!;
    const at = range.start;
    range.start += size;
    if (range.start === range.end) this.#free.splice(index, 1);
    return at;
  }

  /** Gives back what `allocate(bytes)` returned. */
  release(at: number, bytes: number): void {
    const end = at + Math.max(64, Math.ceil(bytes / 64) * 64);
    let index = this.#free.findIndex((range) => range.start >= end);
    if (index < 0) index = this.#free.length;
    const before = this.#free[index - 1];
    const after = this.#free[index];
    if (before?.end === at) {
      before.end = end;
      if (after?.start === end) {
        before.end = after.end;
        this.#free.splice(index, 1);
      }
    } else if (after?.start === end) after.start = at;
    else this.#free.splice(index, 0, { start: at, end });
  }

  get freeBytes(): number {
    return this.#free.reduce((sum, range) => sum + range.end - range.start, 0);
  }
}
