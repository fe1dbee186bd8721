import { CACHE_ATC, CACHE_IOTLB, CACHES_ALL } from "../../edit-script/index.ts";
import type { Decision } from "../decide.ts";
import { returnOf } from "../rules/between-calls.ts";
import type { Invalidations } from "../script/invalidations.ts";
import { NEVER } from "../script/positions.ts";

/** Invalidations behind a step that are looked at: a driver drops what it has overwritten before it goes on to other pages. */
const NEAR = 8;

/** What the next invalidations behind a step show at sight: where a script goes page by page, those of the other pages are far away. */
export class NearInvalidations {
  readonly #decision: Decision;
  readonly #posted: Invalidations;
  readonly #tag: number;
  readonly #hasAtc: boolean;

  /** `tag`: that under which caches keep what the pages' walks find. */
  constructor(decision: Decision, tag: number) {
    const { input, log } = decision;
    this.#decision = decision;
    this.#posted = log.invalidationsOf(tag);
    this.#tag = tag;
    this.#hasAtc = ((input.deviceCaches ?? CACHES_ALL) & CACHE_ATC) !== 0;
  }

  /**
   * True iff who takes a D bit at `step` is seen to be told of all writes that it stands for: the leaf of one page, which walks can read
   * until a position, is dropped from all caches, and what was translated before is performed when the call has returned. Pre: walks of
   * any time may hold the table.
   */
  areTold(page: number, readableUntil: number, step: number): boolean {
    const { input, log } = this.#decision;
    if (readableUntil === NEVER) return false;
    const drop = this.#firstDrop(CACHE_IOTLB, this.#posted.firstFrom(readableUntil), page);
    // A device may fill its own cache from the IOTLB until that has dropped the leaf.
    const last = this.#hasAtc && drop !== NEVER ? this.#firstDrop(CACHE_ATC, drop, page) : drop;
    if (last === NEVER) return false;
    const returned = input.calls ? returnOf(input.calls, step, log.steps) : log.steps;
    return this.#posted.drained(last) <= returned;
  }

  /** True iff one behind a step is seen to reach one page and no other: what reaches this page is different on either side. */
  isOfPage(page: number, step: number): boolean {
    const invalidations = this.#posted;
    const { length, domains, starts, ends } = invalidations;
    const from = invalidations.firstFrom(step);
    const end = Math.min(length, from + NEAR);
    for (let at = from; at < end; at++) {
      const isOwn = domains[at] === this.#tag && (invalidations.caches(at) & CACHES_ALL) !== 0;
      if (isOwn && starts[at] === page && ends[at] === page + 1) return true;
    }
    return false;
  }

  /** Position of the first invalidation, from one on, that makes caches drop a page's leaf; NEVER where it is not near. */
  #firstDrop(cache: number, from: number, page: number): number {
    const invalidations = this.#posted;
    const { domains, starts, ends } = invalidations;
    const end = Math.min(invalidations.length, from + NEAR);
    for (let at = from; at < end; at++) {
      const isOwn = domains[at] === this.#tag && (invalidations.caches(at) & cache) !== 0;
      if (isOwn && starts[at]! <= page && page < ends[at]!) return at;
    }
    return NEVER;
  }
}
