import type { Coverage } from "./coverage.ts";
import { addSpan } from "./facts.ts";
import { earliestIn, type HeldTable } from "./held-table.ts";

/**
 * When a version can be loaded, by generation: the positions between "some walk holds the table" and "the version can no
 * longer be read, or the walk is stopped". One object is filled again and again, since there is one for every entry.
 */
export class Reach {
  #coverage: Coverage | null = null;
  #state: HeldTable | null = null;
  /** Positions between which the version can be read. */
  #begin = 0;
  #end = 0;
  #from = new Int32Array(8);
  #to = new Int32Array(8);
  #generation = new Int32Array(8);
  #count = 0;
  /** `loads`, and `cached` for leaves inside the coverage: asked for again and again where entries are alike. */
  #loads: readonly number[] | null = null;
  #cachedInside: readonly number[] | null = null;

  /** Fills in what can be read at positions [begin, until); false where it can never be loaded. */
  set(coverage: Coverage, state: HeldTable, begin: number, until: number): boolean {
    const isSame =
      coverage === this.#coverage && state === this.#state && begin === this.#begin && until === this.#end;
    if (isSame) return this.#count > 0;
    const earliest = earliestIn(state, coverage);
    const { begins, deaths, generations } = coverage;
    this.#coverage = coverage;
    this.#state = state;
    this.#begin = begin;
    this.#end = until;
    this.#loads = this.#cachedInside = null;
    this.#count = 0;
    for (let g = coverage.firstAlive(begin); g < generations && begins[g]! < until; g++) {
      const from = Math.max(earliest[g]!, begin);
      const to = Math.min(until, deaths[g]!);
      if (from < to) this.#add(g, from, to);
    }
    return this.#count > 0;
  }

  #add(g: number, from: number, to: number): void {
    if (this.#count === this.#from.length) {
      const grown = (list: Int32Array): Int32Array<ArrayBuffer> => {
        const copy = new Int32Array(list.length * 2);
        copy.set(list);
        return copy;
      };
      this.#from = grown(this.#from);
      this.#to = grown(this.#to);
      this.#generation = grown(this.#generation);
    }
    this.#from[this.#count] = from;
    this.#to[this.#count] = to;
    this.#generation[this.#count++] = g;
  }

  /** First position at which it can be loaded. */
  get first(): number {
    return this.#from[0]!;
  }

  /** The generation of the walks that can load it first. */
  get firstGeneration(): number {
    return this.#generation[0]!;
  }

  /** When it can be loaded. */
  loads(): readonly number[] {
    if (this.#loads !== null) return this.#loads;
    const spans: number[] = [];
    for (let k = 0; k < this.#count; k++) addSpan(spans, this.#from[k]!, this.#to[k]!);
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
    for (let k = 0; k < this.#count; k++) {
      const death = this.#coverage!.leafDeath(this.#generation[k]!, this.#to[k]! - 1, leafStart, leafEnd);
      addSpan(spans, this.#from[k]!, death);
    }
    return spans;
  }

  /** When some cache may hold that there is nothing. */
  cachedAbsence(): number[] {
    const spans: number[] = [];
    for (let k = 0; k < this.#count; k++)
      addSpan(spans, this.#from[k]!, this.#coverage!.absenceDeath(this.#generation[k]!, this.#to[k]! - 1));
    return spans;
  }

  /** Lowers the earliest positions at which walks may hold what the version points to. */
  lower(earliest: Int32Array): void {
    for (let k = 0; k < this.#count; k++) {
      const g = this.#generation[k]!;
      if (this.#from[k]! < earliest[g]!) earliest[g] = this.#from[k]!;
    }
  }
}
