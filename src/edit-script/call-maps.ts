import { type RunExtent, RunList } from "./run-list.ts";
import type { MapRun } from "./text.ts";

/** Where pages of a map lie. */
export type PageSpan = Pick<MapRun, "iovaPfn" | "pages">;

export type MapRunList = RunList<MapRun>;

const BY_IOVA: RunExtent<MapRun> = {
  start: ({ iovaPfn }) => iovaPfn,
  end: ({ iovaPfn, pages }) => iovaPfn + pages,
};

/** A map as a list that can be changed in parts. Pre: sorted by IOVA, free of overlap. */
export const mapRunList = (map: readonly MapRun[]): MapRunList => RunList.of(map, BY_IOVA);

/** A map, and what makes it differ from the one before. */
export interface ChangedMap {
  readonly map: MapRunList;
  /** All other pages are as they were; null where the map was given as a whole. */
  readonly edited: readonly PageSpan[] | null;
}

/** What a call makes of the map before it. */
export type MapChange = (before: MapRunList) => ChangedMap;

/**
 * The maps that the calls of a recording lead to. Only the one asked for last is kept: thousands of calls would have as many maps of
 * thousands of runs.
 */
export class CallMaps {
  readonly #first: ChangedMap;
  readonly #changes: readonly MapChange[];
  /** The map behind this call; -1 for the one before the first. */
  #call = -1;
  #last: ChangedMap;

  constructor(first: readonly MapRun[], changes: readonly MapChange[]) {
    this.#first = { map: mapRunList(first), edited: null };
    this.#changes = changes;
    this.#last = this.#first;
  }

  /** The map behind a call, by index. */
  after(call: number): ChangedMap {
    if (call < this.#call) {
      this.#call = -1;
      this.#last = this.#first;
    }
    while (this.#call < call) this.#last = this.#changes[++this.#call]!(this.#last.map);
    return this.#last;
  }
}
