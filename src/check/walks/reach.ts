import { NEVER } from "../script/positions.ts";
import type { Coverage } from "./coverage.ts";
import { addSpan } from "./facts.ts";
import { firstIn, type HeldTable, type HeldTime } from "./held-table.ts";

/**
 * When a version can be loaded: the positions between "some walk holds the table" and "the version can no longer be read, or the walk is
 * stopped". One object is filled again and again, since there is one for every entry.
 *
 * Generations that follow each other are one stretch: each is stopped no earlier than the next begins, and what is loaded last the caches
 * drop last.
 */
export class Reach {
  #coverage: Coverage | null = null;
  #state: HeldTable | null = null;
  /** Positions between which the version can be read. */
  #begin = 0;
  #end = 0;
  /** By stretch: its first position, and the last generation in it with the end of its loads. */
  readonly #from: number[] = [];
  readonly #last: number[] = [];
  readonly #to: number[] = [];
  /** The generation of the walks that can load it first. */
  firstGeneration = 0;
  /** `loads`, and `cached` for leaves inside the coverage: asked for again and again where entries are alike. */
  #loads: readonly number[] | null = null;
  #cachedInside: readonly number[] | null = null;

  /** Fills in what can be read at positions [begin, until); false where it can never be loaded. */
  set(coverage: Coverage, state: HeldTable, begin: number, until: number): boolean {
    const isSame =
      coverage === this.#coverage && state === this.#state && begin === this.#begin && until === this.#end;
    if (isSame) return this.#from.length > 0;
    this.#coverage = coverage;
    this.#state = state;
    this.#begin = begin;
    this.#end = until;
    this.#loads = this.#cachedInside = null;
    while (this.#from.length > 0) [this.#from.pop(), this.#last.pop(), this.#to.pop()];
    this.#add(state);
    if (state.later !== null) for (const time of state.later) this.#add(time);
    return this.#from.length > 0;
  }

  /** Adds what walks can load that hold the table within one of its times. */
  #add(time: HeldTime): void {
    const [coverage, begin, until] = [this.#coverage!, this.#begin, this.#end];
    const first = firstIn(time, this.#state!.begun, coverage, begin, until);
    if (first < 0) return;
    const last = coverage.lastBegun(Math.min(time.bound, until));
    if (this.#from.length === 0) this.firstGeneration = first;
    this.#from.push(Math.max(coverage.begins[first]!, time.from, begin));
    this.#last.push(last);
    this.#to.push(Math.min(until, coverage.deaths[last]!));
  }

  /** First position at which it can be loaded. */
  get first(): number {
    return this.#from[0]!;
  }

  /** When it can be loaded. */
  loads(): readonly number[] {
    if (this.#loads !== null) return this.#loads;
    const spans: number[] = [];
    for (let k = 0; k < this.#from.length; k++) addSpan(spans, this.#from[k]!, this.#to[k]!);
    this.#loads = spans;
    return spans;
  }

  /** When some cache may hold it as a leaf that lies inside the coverage: whatever reaches these pages contains it. */
  cachedInside(): readonly number[] {
    const { start, end } = this.#coverage!;
    this.#cachedInside ??= this.cached(start, end);
    return this.#cachedInside;
  }

  /** When some cache may hold it as a leaf that translates [leafStart, leafEnd). */
  cached(leafStart: number, leafEnd: number): number[] {
    const spans: number[] = [];
    for (let k = 0; k < this.#from.length; k++) {
      const death = this.#coverage!.leafDeath(this.#last[k]!, this.#to[k]! - 1, leafStart, leafEnd);
      addSpan(spans, this.#from[k]!, death);
    }
    return spans;
  }

  /** True iff the IOTLB may hold it for good as a leaf that translates [leafStart, leafEnd). */
  isInIotlb(leafStart: number, leafEnd: number): boolean {
    const coverage = this.#coverage!;
    return this.#to.some(
      (to, k) => coverage.iotlbDeath(this.#last[k]!, to - 1, leafStart, leafEnd) === NEVER,
    );
  }

  /** When some cache may hold that there is nothing. */
  cachedAbsence(): number[] {
    const spans: number[] = [];
    for (let k = 0; k < this.#from.length; k++)
      addSpan(spans, this.#from[k]!, this.#coverage!.absenceDeath(this.#last[k]!, this.#to[k]! - 1));
    return spans;
  }
}
