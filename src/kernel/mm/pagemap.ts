import { type Pfn, pfn, type VaddrPfn, vaddrPfn } from "../../units/index.ts";
import type { VmaList } from "./vma.ts";

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
  const end = start + pages;
  let from = 0;
  let first = 0;
  let count = 0;
  for (let page = start; page < end; ) {
    const area = areas.next(page);
    if (area === undefined || area.start >= end) break;
    page = Math.max(page, area.start);
    const index = page - area.start + area.offset;
    const length = area.backing.runAt(index, Math.min(end, area.end) - page);
    const frame = area.backing.frameAt(index);
    if (frame !== null) {
      if (count > 0 && frame === first + count && page === from + count) count += length;
      else {
        if (count > 0) yield { vaddrPfn: vaddrPfn(from), pages: count, pfn: pfn(first) };
        [from, first, count] = [page, frame, length];
      }
    }
    page += length;
  }
  if (count > 0) yield { vaddrPfn: vaddrPfn(from), pages: count, pfn: pfn(first) };
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
