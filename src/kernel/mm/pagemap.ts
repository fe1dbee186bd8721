import { type Pfn, pfn, type VaddrPfn, vaddrPfn } from "../../units/index.ts";
import type { Vma, VmaList } from "./vma.ts";

/** A stretch of virtual pages on physically contiguous frames. */
export interface PagemapRun {
  readonly vaddrPfn: VaddrPfn;
  readonly pages: number;
  readonly pfn: Pfn;
}

/**
 * Frames of a range: one number when they are contiguous, else one per page, relative to `base`; ABSENT_FRAME
 * where none is.
 */
export type FrameArray =
  | { readonly kind: "contiguous"; readonly base: Pfn }
  | { readonly kind: "scattered"; readonly base: Pfn; readonly frames: Uint32Array };

/** No frame number of RAM or MMIO is 0. */
export const ABSENT_FRAME = 0;

/**
 * What /proc/PID/pagemap tells of [start, start + pages): runs of present pages, ascending; absent pages are
 * left out.
 */
export function* pagemapRuns(areas: VmaList, start: number, pages: number): Generator<PagemapRun> {
  const cursor = new PagemapCursor(areas, start, pages);
  while (cursor.next())
    yield { vaddrPfn: vaddrPfn(cursor.start), pages: cursor.pages, pfn: pfn(cursor.frame) };
}

/** The same without an object for every run: scattered memory has millions. Pre: areas stay as they are meanwhile. */
export class PagemapCursor {
  readonly #areas: VmaList;
  readonly #end: number;
  #page: number;
  /** What ended the run before this one: its page and frame need not be asked for again. */
  #nextPage = -1;
  #nextFrame: number | null = null;
  #area: Vma | undefined = undefined;
  /** First page of the run at hand, its pages and its first frame. */
  start = 0;
  pages = 0;
  frame = 0;

  constructor(areas: VmaList, start: number, pages: number) {
    this.#areas = areas;
    this.#page = start;
    this.#end = start + pages;
  }

  /** Goes on to the next run; false where there is none. */
  next(): boolean {
    const end = this.#end;
    let count = 0;
    while (this.#page < end) {
      const area = this.#areaAt(this.#page);
      if (area === undefined || area.start >= end) break;
      const page = Math.max(this.#page, area.start);
      const index = page - area.start + area.offset;
      const frame = page === this.#nextPage ? this.#nextFrame : area.backing.frameAt(index);
      const goesOn = frame === this.frame + count && page === this.start + count;
      if (count > 0 && frame !== null && !goesOn) {
        this.#nextPage = page;
        this.#nextFrame = frame;
        break;
      }
      const length = area.backing.runAt(index, Math.min(end, area.end) - page);
      this.#page = page + length;
      if (frame === null) continue;
      if (count === 0) [this.start, this.frame] = [page, frame];
      count += length;
    }
    this.pages = count;
    return count > 0;
  }

  /** The area of a page, or the next one. */
  #areaAt(page: number): Vma | undefined {
    const known = this.#area;
    if (known !== undefined && known.start <= page && page < known.end) return known;
    return (this.#area = this.#areas.next(page));
  }
}

/** The same in bulk: 4 bytes a page where frames are scattered, nothing where they are contiguous. */
export function frameArray(areas: VmaList, start: number, pages: number): FrameArray {
  const head = pagemapRuns(areas, start, pages).next().value;
  if (head !== undefined && head.vaddrPfn === start && head.pages === pages)
    return { kind: "contiguous", base: head.pfn };
  const frames = new Uint32Array(pages);
  const end = start + pages;
  for (let page = start; page < end; ) {
    const area = areas.next(page);
    if (area === undefined || area.start >= end) break;
    page = Math.max(page, area.start);
    const stop = Math.min(end, area.end);
    area.backing.fill(frames.subarray(page - start, stop - start), page - area.start + area.offset);
    page = stop;
  }
  return { kind: "scattered", base: pfn(0), frames };
}
