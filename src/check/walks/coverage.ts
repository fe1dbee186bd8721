import { CACHE_ATC, CACHE_IOTLB } from "../../edit-script/index.ts";
import type { Invalidations } from "../script/invalidations.ts";
import { NEVER, type PositionFinder, placeNear } from "../script/positions.ts";
import type { Generations } from "./generations.ts";

type Positions = readonly number[] | Int32Array;

/** What decides how long caches keep things, besides the invalidations that reach a page. */
export interface CoverageRules {
  readonly posted: Invalidations;
  readonly drains: PositionFinder;
  readonly hasAtc: boolean;
  /** An invalidation drops a leaf only if it contains it. */
  readonly mustContain: boolean;
}

/**
 * Pages that the same invalidations reach.
 *
 * The non-leaf invalidations that reach a page cut time into **generations**: a walk belongs to generation g when its first
 * load happens in [begins[g], begins[g + 1]). All it holds, in registers or in the walk cache, is gone at deaths[g], when
 * the first such invalidation submitted after that load completes. Inside one generation everything lives equally long, so
 * "may hold table T" is summed up by the earliest position.
 */
export class Coverage {
  start: number;
  end: number;
  /** The invalidations that reach these pages: those that all pages share, and the others by position, in queue order. */
  readonly #shared: SharedReach;
  readonly #own: readonly number[];
  /** How time is cut for these pages: the very same object as a neighbour's where it is cut alike. */
  readonly cut: Generations;
  readonly #rules: CoverageRules;

  constructor(
    start: number,
    end: number,
    shared: SharedReach,
    own: readonly number[],
    cut: Generations,
    rules: CoverageRules,
  ) {
    this.start = start;
    this.end = end;
    this.#shared = shared;
    this.#own = own;
    this.cut = cut;
    this.#rules = rules;
  }

  /** Becomes the coverage of another page: only Coverages does so, with one that it keeps, and puts into its list what reaches that page. */
  moveTo(page: number): void {
    this.start = page;
    this.end = page + 1;
  }

  /** How many there are, when they begin and when they die: `begins` and `deaths` are good until the next pages are looked at. */
  get generations(): number {
    return this.cut.length;
  }
  get begins(): Int32Array {
    return this.cut.begins;
  }
  get deaths(): Int32Array {
    return this.cut.deaths;
  }

  /** Positions of the invalidations that reach these pages, in queue order. */
  *reaching(): Generator<number> {
    const { positions } = this.#shared;
    const own = this.#own;
    for (let i = 0, k = 0; i < positions.length || k < own.length; )
      yield (positions[i] ?? NEVER) < (own[k] ?? NEVER) ? positions[i++]! : own[k++]!;
  }

  /** True iff all that reaches these pages contains the pages [start, end). */
  isContaining(start: number, end: number): boolean {
    const { starts, ends } = this.#rules.posted;
    const shared = this.#shared;
    if (start < shared.start || end > shared.end) return false;
    for (const at of this.#own) if (starts[at]! > start || end > ends[at]!) return false;
    return true;
  }

  /** The first generation that is not dead at a position. */
  firstAlive(position: number): number {
    return this.cut.firstAlive(position);
  }

  /** The last generation that begins before a position. Pre: the position is not 0. */
  lastBegun(position: number): number {
    return this.cut.lastBegun(position);
  }

  /** The last step before another one that submits an invalidation of these pages, 0 where none does. */
  lastSubmitBefore(step: number): number {
    const { posted } = this.#rules;
    const last = Math.max(
      before(this.#own, placeFrom(posted, this.#own, step)),
      before(this.#shared.positions, this.#shared.placeFrom(step)),
    );
    return last < 0 ? 0 : posted.step(last);
  }

  /** The first such step that is at least `step`, NEVER where none is. */
  firstSubmitFrom(step: number): number {
    const { posted } = this.#rules;
    const next = Math.min(
      behind(this.#own, placeFrom(posted, this.#own, step)),
      behind(this.#shared.positions, this.#shared.placeFrom(step)),
    );
    return next === NEVER ? NEVER : posted.step(next);
  }

  /**
   * Position at which the last cache has dropped what a walk of generation `g` got from its last load at `loaded`.
   * [leafStart, leafEnd) is what the cached entry translates.
   */
  leafDeath(g: number, loaded: number, leafStart: number, leafEnd: number): number {
    return this.deathBy(this.#lastDrop(this.#iotlbDrop(g, loaded, leafStart, leafEnd), leafStart, leafEnd));
  }

  /** The same of the IOTLB alone. */
  iotlbDeath(g: number, loaded: number, leafStart: number, leafEnd: number): number {
    return this.deathBy(this.#iotlbDrop(g, loaded, leafStart, leafEnd));
  }

  /**
   * The invalidation by which the last cache drops what can be read until a position, in a table that walks may hold all the time: the
   * one that loads it last belongs to the generation of that moment, whatever generations there are. NEVER where none does. The leaf
   * translates pages of the coverage.
   */
  leafDropBehind(until: number): number {
    return this.#lastDrop(this.absenceDropBehind(until), this.start, this.end);
  }

  /** And for an absence that is cached, which devices do not keep in caches of their own. */
  absenceDropBehind(until: number): number {
    if (until === NEVER) return NEVER;
    return this.#firstDrop(CACHE_IOTLB, until, false, this.start, this.end);
  }

  /** Position at which what an invalidation drops is gone, or NEVER where there is none. */
  deathBy(drop: number): number {
    return drop === NEVER ? NEVER : this.#rules.posted.completes(drop);
  }

  /** Position at which accesses that used it have been performed. */
  drainedBy(drop: number): number {
    return drop === NEVER ? NEVER : this.#rules.posted.drained(drop);
  }

  /** The invalidation by which the last cache drops what the IOTLB drops because of one. */
  #lastDrop(drop: number, leafStart: number, leafEnd: number): number {
    const { posted, hasAtc } = this.#rules;
    // A device may fill its own cache from the IOTLB until that has dropped the leaf: only an order queued behind counts.
    if (drop === NEVER || !hasAtc || (posted.caches(drop) & CACHE_ATC) !== 0) return drop;
    return this.#firstDrop(CACHE_ATC, posted.step(drop), false, leafStart, leafEnd);
  }

  /** The same for a cached absence, which devices do not keep in caches of their own. */
  absenceDeath(g: number, loaded: number): number {
    return this.deathBy(this.#iotlbDrop(g, loaded, this.start, this.end));
  }

  /** Position of the first invalidation that makes the IOTLB drop the entry, or NEVER. */
  #iotlbDrop(g: number, loaded: number, leafStart: number, leafEnd: number): number {
    if (loaded === NEVER - 1) return NEVER;
    const first = this.#firstDrop(CACHE_IOTLB, loaded + 1, false, leafStart, leafEnd);
    const end = this.begins[g + 1]!;
    if (loaded < end) return first;
    // A walk that began before a non-leaf invalidation is restarted with everything it has loaded since.
    return Math.min(first, this.#firstDrop(CACHE_IOTLB, end, true, leafStart, leafEnd));
  }

  /** The first one, submitted at or behind a step, that makes caches drop the entry, or NEVER; with `isStop`, one that stops walks. */
  #firstDrop(cache: number, step: number, isStop: boolean, leafStart: number, leafEnd: number): number {
    const [own, shared] = [this.#own, this.#shared];
    const place = placeFrom(this.#rules.posted, own, step);
    const first = this.#firstIn(own, place, cache, isStop, leafStart, leafEnd);
    if (shared.positions.length === 0) return first;
    const common = shared.placeFrom(step);
    return Math.min(first, this.#firstIn(shared.positions, common, cache, isStop, leafStart, leafEnd));
  }

  /** The same among those of one list, from a place on. */
  #firstIn(
    list: Positions,
    place: number,
    cache: number,
    isStop: boolean,
    leafStart: number,
    leafEnd: number,
  ): number {
    const { posted, mustContain } = this.#rules;
    for (let i = place; i < list.length; i++) {
      const at = list[i]!;
      if ((posted.caches(at) & cache) === 0 || (isStop && !posted.stopsWalks(at))) continue;
      if (!mustContain || (posted.starts[at]! <= leafStart && leafEnd <= posted.ends[at]!)) return at;
    }
    return NEVER;
  }

  /** Position at which accesses that used a translation dead at `death` have been performed. */
  drained(death: number): number {
    return death === NEVER ? NEVER : this.#rules.drains.firstAtOrAfter(death);
  }
}

/** The element before a place of a list, -1 where there is none; and the one that stands there, or NEVER. */
const before = (list: Positions, place: number): number => (place === 0 ? -1 : list[place - 1]!);
const behind = (list: Positions, place: number): number => (place === list.length ? NEVER : list[place]!);

/** Where the first of some invalidations stands, given by position, that is submitted at or behind a step. */
function placeFrom(posted: Invalidations, list: readonly number[], step: number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const mid = (low + high) >>> 1;
    if (posted.step(list[mid]!) < step) low = mid + 1;
    else high = mid;
  }
  return low;
}

/** Invalidations that reach all pages that are looked at, by position and in queue order. */
export class SharedReach {
  readonly positions: Int32Array;
  /** The pages that all of them contain. */
  readonly start: number;
  readonly end: number;
  /** The steps that submit them: apart, since they are searched for every page. */
  readonly #steps: Int32Array;
  /** Where the last answer stands. */
  #place = 0;

  constructor(posted: Invalidations, positions: Int32Array) {
    this.positions = positions;
    this.#steps = positions.map((at) => posted.step(at));
    let [start, end] = [0, Infinity];
    for (const at of positions) {
      start = Math.max(start, posted.starts[at]!);
      end = Math.min(end, posted.ends[at]!);
    }
    [this.start, this.end] = [start, end];
  }

  /** Where the first one stands that is submitted at or behind a step. */
  placeFrom(step: number): number {
    return (this.#place = placeNear(this.#steps, step, this.#place));
  }
}
