import type { Translation } from "./entries.ts";
import { hasPageIn, type PageMap } from "./page-map.ts";

/** What pages are to translate to. */
export interface Target {
  /** Undefined where to nothing. */
  at(page: number): Translation | undefined;
  hasAny(start: number, end: number): boolean;
}

/** A whole map as a target. */
export function targetOf(map: PageMap): Target {
  const pages = [...map.keys()].sort((a, b) => a - b);
  return {
    at: (page) => map.get(page),
    hasAny: (start, end) => hasPageIn(pages, start, end),
  };
}

/** The part of a target that is in a range. */
export const within = (target: Target, start: number, end: number): Target => ({
  at: (page) => (start <= page && page < end ? target.at(page) : undefined),
  hasAny: (from, to) => {
    const [first, last] = [Math.max(start, from), Math.min(end, to)];
    return first < last && target.hasAny(first, last);
  },
});
