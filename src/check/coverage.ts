import { CACHE_ATC, CACHE_IOTLB } from "../edit-script/index.ts";
import type { Generations } from "./generations.ts";
import type { Invalidations } from "./invalidations.ts";
import { NEVER, type PositionFinder, placeNear } from "./positions.ts";

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
    const contains = (at: number): boolean => starts[at]! <= start && end <= ends[at]!;
    return this.#shared.positions.every(contains) && this.#own.every(contains);
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
    const from = posted.firstFrom(step);
    const last = Math.max(
      before(this.#own, placeOf(this.#own, from)),
      before(this.#shared.positions, this.#shared.placeOf(from)),
    );
    return last < 0 ? 0 : posted.steps[last]!;
  }

  /** The first such step that is at least `step`, NEVER where none is. */
  firstSubmitFrom(step: number): number {
    const { posted } = this.#rules;
    const from = posted.firstFrom(step);
    const next = Math.min(
      behind(this.#own, placeOf(this.#own, from)),
      behind(this.#shared.positions, this.#shared.placeOf(from)),
    );
    return next === NEVER ? NEVER : posted.steps[next]!;
  }

  /**
   * Position at which the last cache has dropped what a walk of generation `g` got from its last load at `loaded`.
   * [leafStart, leafEnd) is what the cached entry translates.
   */
  leafDeath(g: number, loaded: number, leafStart: number, leafEnd: number): number {
    return this.#lastDrop(this.#iotlbDrop(g, loaded, leafStart, leafEnd), leafStart, leafEnd);
  }

  /**
   * The same for what can be read until a position, in a table that walks may hold all the time: the one that loads it last belongs to
   * the generation of that moment, whatever generations there are. The leaf translates pages of the coverage.
   */
  leafDeathBehind(until: number): number {
    return this.#lastDrop(this.#iotlbDropBehind(until), this.start, this.end);
  }

  /** And for an absence that is cached. */
  absenceDeathBehind(until: number): number {
    const drop = this.#iotlbDropBehind(until);
    return drop === NEVER ? NEVER : this.#rules.posted.completes[drop]!;
  }

  #iotlbDropBehind(until: number): number {
    if (until === NEVER) return NEVER;
    return this.#firstDrop(CACHE_IOTLB, this.#rules.posted.firstFrom(until), false, this.start, this.end);
  }

  /** When the last cache has dropped what the IOTLB drops because of the invalidation at a position. */
  #lastDrop(drop: number, leafStart: number, leafEnd: number): number {
    if (drop === NEVER) return NEVER;
    const { posted, hasAtc } = this.#rules;
    // A device may fill its own cache from the IOTLB until that has dropped the leaf: only an order queued behind counts.
    const last = hasAtc ? this.#firstDrop(CACHE_ATC, drop, false, leafStart, leafEnd) : drop;
    return last === NEVER ? NEVER : posted.completes[last]!;
  }

  /** The same for a cached absence, which devices do not keep in caches of their own. */
  absenceDeath(g: number, loaded: number): number {
    const drop = this.#iotlbDrop(g, loaded, this.start, this.end);
    return drop === NEVER ? NEVER : this.#rules.posted.completes[drop]!;
  }

  /** Position of the first invalidation that makes the IOTLB drop the entry, or NEVER. */
  #iotlbDrop(g: number, loaded: number, leafStart: number, leafEnd: number): number {
    if (loaded === NEVER - 1) return NEVER;
    const { posted } = this.#rules;
    const first = this.#firstDrop(CACHE_IOTLB, posted.firstFrom(loaded + 1), false, leafStart, leafEnd);
    const end = this.begins[g + 1]!;
    if (loaded < end) return first;
    // A walk that began before a non-leaf invalidation is restarted with everything it has loaded since.
    return Math.min(first, this.#firstDrop(CACHE_IOTLB, posted.firstFrom(end), true, leafStart, leafEnd));
  }

  /** The first one, from a position on, that makes caches drop the entry, or NEVER; with `isStop`, one that stops walks. */
  #firstDrop(cache: number, from: number, isStop: boolean, leafStart: number, leafEnd: number): number {
    const [own, shared] = [this.#own, this.#shared];
    const first = this.#firstIn(own, placeOf(own, from), cache, isStop, leafStart, leafEnd);
    if (shared.positions.length === 0) return first;
    const place = shared.placeOf(from);
    return Math.min(first, this.#firstIn(shared.positions, place, cache, isStop, leafStart, leafEnd));
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
      if ((posted.caches[at]! & cache) === 0 || (isStop && !posted.stopsWalks(at))) continue;
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

/** Where the first element of a plain list stands that is at least `position`: columns are searched in positions.ts, in one type. */
function placeOf(list: readonly number[], position: number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const mid = (low + high) >>> 1;
    if (list[mid]! < position) low = mid + 1;
    else high = mid;
  }
  return low;
}

/** Invalidations that reach all pages that are looked at, by position and in queue order. */
export class SharedReach {
  readonly positions: Int32Array;
  /** Where the last answer stands. */
  #place = 0;

  constructor(positions: Int32Array) {
    this.positions = positions;
  }

  /** Where the first one stands from a position on. */
  placeOf(position: number): number {
    return (this.#place = placeNear(this.positions, position, this.#place));
  }
}
