import { CACHE_ATC, CACHE_IOTLB, CACHE_WALK, CACHES_ALL } from "../edit-script/index.ts";
import { firstAtOrAfter, NEVER } from "./positions.ts";
import type { Invalidation, ScriptLog } from "./script-log.ts";

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
  readonly begins: Int32Array;
  readonly deaths: Int32Array;
  /** Index in `reaching` of the invalidation that ends generation g. */
  readonly #enders: number[] = [];
  readonly #drains: readonly number[];
  readonly #hasAtc: boolean;
  readonly #mustContain: boolean;

  constructor(
    start: number,
    end: number,
    reaching: readonly Invalidation[],
    drains: readonly number[],
    hasAtc: boolean,
    mustContain: boolean,
  ) {
    this.start = start;
    this.end = end;
    this.reaching = reaching;
    this.#drains = drains;
    this.#hasAtc = hasAtc;
    this.#mustContain = mustContain;
    reaching.forEach((inv, i) => {
      if (inv.nonLeaf && inv.caches & CACHE_WALK) this.#enders.push(i);
    });
    this.generations = this.#enders.length + 1;
    this.begins = new Int32Array(this.generations + 1);
    this.deaths = new Int32Array(this.generations);
    this.#enders.forEach((i, g) => {
      this.begins[g + 1] = reaching[i]!.step;
      this.deaths[g] = reaching[i]!.completes;
    });
    this.begins[this.generations] = NEVER;
    this.deaths[this.generations - 1] = NEVER;
  }

  /**
   * Position at which the last cache has dropped what a walk of generation `g` got from its last load at `loaded`.
   * [leafStart, leafEnd) is what the cached entry translates.
   */
  leafDeath(g: number, loaded: number, leafStart: number, leafEnd: number): number {
    const i = this.#iotlbDrop(g, loaded, leafStart, leafEnd);
    if (i < 0) return NEVER;
    return this.#hasAtc ? this.#atcDeath(i, leafStart, leafEnd) : this.reaching[i]!.completes;
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
    return !this.#mustContain || (inv.start <= leafStart && leafEnd <= inv.end);
  }

  /** Position at which accesses that used a translation dead at `death` have been performed. */
  drained(death: number): number {
    return death === NEVER ? NEVER : firstAtOrAfter(this.#drains, death);
  }
}

/** Cuts [0, end) into stretches of pages that the same invalidations of a tag reach. */
export function coverages(
  log: ScriptLog,
  domain: number,
  end: number,
  hasAtc: boolean,
  mustContain: boolean,
): Coverage[] {
  const own = log.invalidations.filter(
    (inv) => inv.domain === domain && inv.start < end && inv.caches & CACHES_ALL,
  );
  const cuts = new Set<number>([0, end]);
  for (const inv of own) {
    cuts.add(inv.start);
    cuts.add(Math.min(inv.end, end));
  }
  const sorted = [...cuts].sort((a, b) => a - b);
  const byStart = own.map((_, i) => i).sort((a, b) => own[a]!.start - own[b]!.start);
  const result: Coverage[] = [];
  let active: number[] = [];
  let next = 0;
  for (let c = 0; c + 1 < sorted.length; c++) {
    const [from, to] = [sorted[c]!, sorted[c + 1]!];
    active = active.filter((i) => own[i]!.end > from);
    for (; next < byStart.length && own[byStart[next]!]!.start <= from; next++) active.push(byStart[next]!);
    active.sort((a, b) => a - b);
    const reaching = active.map((i) => own[i]!);
    result.push(new Coverage(from, to, reaching, log.drains, hasAtc, mustContain));
  }
  return result;
}
