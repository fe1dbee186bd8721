import { CACHE_ATC, CACHE_IOTLB, CACHE_WALK, CACHES_ALL } from "../edit-script/index.ts";
import { ascending } from "./ascending.ts";
import type { Invalidation } from "./invalidation-queues.ts";
import { NEVER, PositionFinder } from "./positions.ts";
import type { Ranges } from "./ranges.ts";
import type { ScriptLog } from "./script-log.ts";

const NONE: number[] = [];

/**
 * Pages that the same invalidations reach.
 *
 * The non-leaf invalidations that reach a page cut time into **generations**: a walk belongs to generation g when its first
 * load happens in [begins[g], begins[g + 1]). All it holds, in registers or in the walk cache, is gone at deaths[g], when
 * the first such invalidation submitted after that load completes. Inside one generation everything lives equally long, so
 * "may hold table T" is summed up by the earliest position.
 */
export class Coverage {
  readonly start: number;
  readonly end: number;
  /** Invalidations that reach these pages, in queue order. */
  readonly reaching: readonly Invalidation[];
  readonly generations: number;
  /** The very same arrays as a neighbour's where the generations are the same. */
  readonly begins: Int32Array;
  readonly deaths: Int32Array;
  /** Index in `reaching` of the invalidation that ends generation g. */
  readonly #enders: readonly number[];
  readonly #rules: CoverageRules;

  constructor(
    start: number,
    end: number,
    reaching: readonly Invalidation[],
    rules: CoverageRules,
    neighbour: Coverage | null,
  ) {
    this.start = start;
    this.end = end;
    this.reaching = reaching;
    this.#rules = rules;
    let enders: number[] | null = null;
    for (let i = 0; i < reaching.length; i++) {
      const { nonLeaf, caches } = reaching[i]!;
      if (nonLeaf && caches & CACHE_WALK) (enders ??= []).push(i);
    }
    this.#enders = enders ??= NONE;
    this.generations = enders.length + 1;
    if (neighbour !== null && this.#hasGenerationsOf(neighbour)) {
      this.begins = neighbour.begins;
      this.deaths = neighbour.deaths;
      return;
    }
    this.begins = new Int32Array(this.generations + 1);
    this.deaths = new Int32Array(this.generations);
    for (let g = 0; g < enders.length; g++) {
      this.begins[g + 1] = reaching[enders[g]!]!.step;
      this.deaths[g] = reaching[enders[g]!]!.completes;
    }
    this.begins[this.generations] = NEVER;
    this.deaths[this.generations - 1] = NEVER;
  }

  #hasGenerationsOf(other: Coverage): boolean {
    if (this.generations !== other.generations) return false;
    for (let g = 0; g + 1 < this.generations; g++)
      if (this.reaching[this.#enders[g]!] !== other.reaching[other.#enders[g]!]) return false;
    return true;
  }

  /**
   * Position at which the last cache has dropped what a walk of generation `g` got from its last load at `loaded`.
   * [leafStart, leafEnd) is what the cached entry translates.
   */
  leafDeath(g: number, loaded: number, leafStart: number, leafEnd: number): number {
    const i = this.#iotlbDrop(g, loaded, leafStart, leafEnd);
    if (i < 0) return NEVER;
    return this.#rules.hasAtc ? this.#atcDeath(i, leafStart, leafEnd) : this.reaching[i]!.completes;
  }

  /** The same for a cached absence, which devices do not keep in caches of their own. */
  absenceDeath(g: number, loaded: number): number {
    const i = this.#iotlbDrop(g, loaded, this.start, this.end);
    return i < 0 ? NEVER : this.reaching[i]!.completes;
  }

  /** The first generation that is not dead at a position. */
  firstAlive(position: number): number {
    let low = 0;
    let high = this.generations - 1;
    while (low < high) {
      const mid = (low + high) >>> 1;
      if (this.deaths[mid]! > position) high = mid;
      else low = mid + 1;
    }
    return low;
  }

  /** The last generation that begins before a position. Pre: the position is not 0. */
  lastBegun(position: number): number {
    let low = 0;
    let high = this.generations - 1;
    while (low < high) {
      const mid = (low + high + 1) >>> 1;
      if (this.begins[mid]! < position) low = mid;
      else high = mid - 1;
    }
    return low;
  }

  /** Index of the first invalidation that is submitted at or behind a position. */
  firstReachingFrom(position: number): number {
    let low = 0;
    let high = this.reaching.length;
    while (low < high) {
      const mid = (low + high) >>> 1;
      if (this.reaching[mid]!.step < position) low = mid + 1;
      else high = mid;
    }
    return low;
  }

  /** Index of the first invalidation that makes the IOTLB drop the entry, or -1. */
  #iotlbDrop(g: number, loaded: number, leafStart: number, leafEnd: number): number {
    const ender = this.#enders[g] ?? this.reaching.length;
    // What was submitted up to the start of the generation was submitted before anything of it was loaded.
    for (let i = g === 0 ? 0 : this.#enders[g - 1]! + 1; i < this.reaching.length; i++) {
      const inv = this.reaching[i]!;
      if (!(inv.caches & CACHE_IOTLB) || !this.#drops(inv, leafStart, leafEnd)) continue;
      // A walk that began before a non-leaf invalidation is restarted with everything it has loaded since.
      const isStopped = inv.nonLeaf && inv.caches & CACHE_WALK ? i >= ender : false;
      if (isStopped || inv.step > loaded) return i;
    }
    return -1;
  }

  /** A device may fill its own cache from the IOTLB until that has dropped the leaf: only an order queued behind counts. */
  #atcDeath(from: number, leafStart: number, leafEnd: number): number {
    for (let i = from; i < this.reaching.length; i++) {
      const inv = this.reaching[i]!;
      if (inv.caches & CACHE_ATC && this.#drops(inv, leafStart, leafEnd)) return inv.completes;
    }
    return NEVER;
  }

  #drops(inv: Invalidation, leafStart: number, leafEnd: number): boolean {
    return !this.#rules.mustContain || (inv.start <= leafStart && leafEnd <= inv.end);
  }

  /** Position at which accesses that used a translation dead at `death` have been performed. */
  drained(death: number): number {
    return death === NEVER ? NEVER : this.#rules.drains.firstAtOrAfter(death);
  }
}

/** What decides how long caches keep things, besides the invalidations. */
export interface CoverageRules {
  readonly drains: PositionFinder;
  readonly hasAtc: boolean;
  /** An invalidation drops a leaf only if it contains it. */
  readonly mustContain: boolean;
}

/**
 * Cuts the pages before `end` into stretches that the same invalidations of a tag reach, ascending; stretches without
 * any of the `wanted` pages are left out, but for the last.
 */
export function* coverages(
  log: ScriptLog,
  domain: number,
  end: number,
  wanted: Ranges,
  hasAtc: boolean,
  mustContain: boolean,
): Generator<Coverage> {
  const own: Invalidation[] = [];
  for (const inv of log.invalidations)
    if (inv.domain === domain && inv.start < end && inv.caches & CACHES_ALL) own.push(inv);
  const edges = new Float64Array(2 * own.length + 2);
  const starts = edges.subarray(1, own.length + 1);
  for (let i = 0; i < own.length; i++) {
    starts[i] = own[i]!.start;
    edges[own.length + 1 + i] = Math.min(own[i]!.end, end);
  }
  edges[edges.length - 1] = end;
  const sorted = ascending(edges);
  const byStart = ascending(starts);
  const rules = { drains: new PositionFinder(log.drainsOf(domain)), hasAtc, mustContain };
  let last: Coverage | null = null;
  /** Those that reach the stretch at hand, in queue order. */
  const active: number[] = [];
  let next = 0;
  let range = 0;
  for (let c = 0; c + 1 < sorted.length; c++) {
    const from = edges[sorted[c]!]!;
    const to = edges[sorted[c + 1]!]!;
    if (from === to) continue;
    while (range < wanted.ends.length && wanted.ends[range]! <= from) range++;
    if (to < end && (wanted.starts[range] ?? Infinity) >= to) continue;
    let kept = 0;
    for (let k = 0; k < active.length; k++) if (own[active[k]!]!.end > from) active[kept++] = active[k]!;
    if (kept < active.length) active.length = kept;
    for (; next < byStart.length && starts[byStart[next]!]! <= from; next++)
      if (own[byStart[next]!]!.end > from) active.push(byStart[next]!);
    if (active.length > kept && active.length > 1) active.sort((a, b) => a - b);
    const reaching = new Array<Invalidation>(active.length);
    for (let k = 0; k < active.length; k++) reaching[k] = own[active[k]!]!;
    last = new Coverage(from, to, reaching, rules, last);
    yield last;
  }
}
