import { hex } from "../../units/index.ts";

const TWO_MIB_MASK = (1n << 21n) - 1n;

/**
 * Turns host virtual addresses into backings: ranges in use that overlap are one backing, named by its lowest address.
 * Ranges that only touch stay apart: different memory may well lie side by side in a process.
 *
 * A backing begins at a 2 MiB boundary, so that where a range lies within a 2 MiB frame survives.
 */
export class HvaBackings {
  readonly #used: { start: bigint; end: bigint }[] = [];
  #joined: { start: bigint; end: bigint }[] | null = null;

  use(hva: bigint, size: bigint): void {
    this.#used.push({ start: hva, end: hva + size });
    this.#joined = null;
  }

  /** Backing and offset of an address. Pre: the address is in use, and all uses are known. */
  locate(hva: bigint): { backing: string; offsetPages: number } {
    this.#joined ??= this.#join();
    const range = this.#joined.find((r) => r.start <= hva && hva < r.end);
    if (range === undefined) throw new RangeError(`HvaBackings.locate: ${hex(hva)} is not in use`);
    const base = range.start & ~TWO_MIB_MASK;
    return { backing: `hva:${hex(range.start)}`, offsetPages: Number((hva - base) >> 12n) };
  }

  #join(): { start: bigint; end: bigint }[] {
    const joined: { start: bigint; end: bigint }[] = [];
    for (const range of this.#used.sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0))) {
      const last = joined.at(-1);
      if (last === undefined || range.start >= last.end) joined.push({ ...range });
      else if (range.end > last.end) last.end = range.end;
    }
    return joined;
  }
}
