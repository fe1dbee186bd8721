import type { MapRun } from "../../../src/edit-script/index.ts";
import { iovaPfn, pfn } from "../../../src/units/index.ts";
import { isSame, type Translation } from "./entries.ts";

/** A map page by page, which knows nothing of tables. */
export type PageMap = Map<number, Translation>;

/** Pages in a row. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** The map as runs, sorted and joined. */
export function runsOf(map: PageMap): MapRun[] {
  const runs: MapRun[] = [];
  for (const page of [...map.keys()].sort((a, b) => a - b)) {
    const { frame, rights } = map.get(page)!;
    const last = runs.at(-1);
    const isNext =
      last !== undefined &&
      last.iovaPfn + last.pages === page &&
      last.pfn + last.pages === frame &&
      last.rights === rights;
    if (isNext) runs[runs.length - 1] = { ...last, pages: last.pages + 1 };
    else runs.push({ iovaPfn: iovaPfn(page), pages: 1, pfn: pfn(frame), rights });
  }
  return runs;
}

/** Ascending numbers as spans. */
export function spansOf(pages: Iterable<number>): Span[] {
  const spans: { start: number; end: number }[] = [];
  for (const page of [...pages].sort((a, b) => a - b)) {
    const last = spans.at(-1);
    if (last?.end === page) last.end++;
    else if (last === undefined || last.end < page) spans.push({ start: page, end: page + 1 });
  }
  return spans;
}

/** Pages on which two maps differ, ascending. */
export const differing = (a: PageMap, b: PageMap): number[] =>
  [...new Set([...a.keys(), ...b.keys()])]
    .filter((page) => !isSame(a.get(page), b.get(page)))
    .sort((x, y) => x - y);

/** How many pages lead to each frame. */
export function framesIn(map: PageMap): Map<number, number> {
  const counts = new Map<number, number>();
  for (const { frame } of map.values()) counts.set(frame, (counts.get(frame) ?? 0) + 1);
  return counts;
}

/** Where pages of a range begin among pages that ascend. */
function firstFrom(pages: readonly number[], start: number): number {
  let [low, high] = [0, pages.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (pages[middle]! < start) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Those of some pages, ascending, that are in a range. */
export const pagesBetween = (pages: readonly number[], start: number, end: number): readonly number[] =>
  pages.slice(firstFrom(pages, start), firstFrom(pages, end));
/** True iff there is one. */
export const hasPageIn = (pages: readonly number[], start: number, end: number): boolean =>
  (pages[firstFrom(pages, start)] ?? Infinity) < end;
