import { oneRange, RangeList, type Ranges } from "../lists/ranges.ts";

/** Neighbouring pages, and perhaps one page elsewhere. */
export interface OnlyPages {
  readonly domain: number;
  readonly start: number;
  readonly end: number;
  readonly beside?: number;
}

/** Those pages, ascending. */
export function rangesOf({ start, end, beside }: OnlyPages): Ranges {
  if (beside === undefined || (start <= beside && beside < end)) return oneRange(start, end);
  const pages = new RangeList();
  pages.push(start, end);
  pages.push(beside, beside + 1);
  return pages.union();
}

/** Each of them. */
export function* pagesOf({ start, end, beside }: OnlyPages): Generator<number> {
  for (let page = start; page < end; page++) yield page;
  if (beside !== undefined) yield beside;
}
