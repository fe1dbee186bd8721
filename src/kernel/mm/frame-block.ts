import { type PAGES_PER_1G, type PAGES_PER_2M, type Pfn, pfn } from "../../units/index.ts";
import { Permutation } from "./permutation.ts";
import type { FrameLayout } from "./types.ts";

/** Pages of one naturally aligned frame: 4 KiB, 2 MiB or 1 GiB. */
export type UnitPages = 1 | typeof PAGES_PER_2M | typeof PAGES_PER_1G;

/**
 * The frames behind one piece of memory: a reserved range of frame numbers and a procedural layout in it.
 *
 * Contiguous: page i is frame `first + i`. Fragmented: units of `unitPages` are scattered by a seeded
 * permutation, even ones in the lower half and odd ones in the upper half with one unit unused between the
 * halves, so that two neighbouring units are never adjacent, whatever the seed.
 */
export class FrameBlock {
  readonly first: Pfn;
  readonly pages: number;
  readonly unitPages: UnitPages;
  /** Frames of the reserved range; `reservedFrames(...)` of the same arguments. */
  readonly span: number;
  readonly #even: Permutation | null;
  readonly #odd: Permutation | null;
  readonly #oddFirst: number;
  /** Range of frames that may have been pinned since allocation; empty when none was. */
  pinnedLow = Number.POSITIVE_INFINITY;
  pinnedHigh = 0;

  constructor(first: Pfn, pages: number, unitPages: UnitPages, layout: FrameLayout) {
    this.first = first;
    this.pages = pages;
    this.unitPages = unitPages;
    this.span = reservedFrames(pages, unitPages, layout);
    const units = Math.ceil(pages / unitPages);
    const evens = (units + 1) >>> 1;
    this.#oddFirst = evens + 1;
    const scattered = layout.kind === "fragmented" && units > 1;
    this.#even = scattered ? new Permutation(evens, layout.seed) : null;
    this.#odd = scattered ? new Permutation(units - evens, layout.seed ^ 0x2545_f491) : null;
  }

  get contiguous(): boolean {
    return this.#even === null;
  }

  /** Frame of page `index`. */
  frameAt(index: number): Pfn {
    if (this.#even === null) return pfn(this.first + index);
    if (this.unitPages === 1) return pfn(this.first + this.#scattered(index));
    const unit = Math.floor(index / this.unitPages);
    return pfn(this.first + this.#scattered(unit) * this.unitPages + (index - unit * this.unitPages));
  }

  /** Pages from `index` on that lie in one physically contiguous run. */
  runAt(index: number): number {
    if (this.#even === null) return this.pages - index;
    return Math.min(this.unitPages - (index % this.unitPages), this.pages - index);
  }

  /** Remembers that [first, first + pages) was pinned. */
  notePinned(first: Pfn, pages: number): void {
    if (first < this.pinnedLow) this.pinnedLow = first;
    if (first + pages > this.pinnedHigh) this.pinnedHigh = first + pages;
  }

  #scattered(unit: number): number {
    return unit & 1 ? this.#oddFirst + this.#odd!.at(unit >>> 1) : this.#even!.at(unit >>> 1);
  }
}

/** Frames to reserve for a block: whole units, and one more unit between the halves of a fragmented one. */
export function reservedFrames(pages: number, unitPages: UnitPages, layout: FrameLayout): number {
  const units = Math.ceil(pages / unitPages);
  return (layout.kind === "fragmented" && units > 1 ? units + 1 : units) * unitPages;
}
