import type { Coverage } from "./coverage.ts";
import type { HeldTable } from "./entry-facts.ts";
import type { Spans } from "./facts.ts";
import { NEVER } from "./positions.ts";
import { Reach } from "./reach.ts";

/**
 * Until when what a version of an entry says can be used. Neighbouring entries are stored one after the other and nearly
 * always die together: an answer holds until a generation or an invalidation lies in between.
 */
export class Lifetime {
  readonly #reach = new Reach();
  #coverage: Coverage | null = null;
  #state: HeldTable | null = null;
  /** The answer holds for versions that begin in [from, to) and end in (after, last]. */
  #from = 0;
  #to = 0;
  #after = 0;
  #last = 0;
  /** The version asked for last. */
  #begin = 0;
  #until = 0;
  /** First position at which the walks that load it first may hold its table. */
  #heldFrom = 0;
  /** Some walk can load it. */
  isReachable = false;
  /** Position at which the last cache has dropped it as a leaf inside the coverage, and by which its accesses are done. */
  leafUntil = 0;
  drained = 0;
  /** It can be met as an absence after the call has returned. */
  isLastingAbsence = false;

  /** Answers for a version that can be read at positions [begin, until). */
  set(coverage: Coverage, state: HeldTable, begin: number, until: number, cachesAbsence: boolean): void {
    this.#begin = begin;
    this.#until = until;
    if (
      coverage === this.#coverage &&
      state === this.#state &&
      begin >= this.#from &&
      begin < this.#to &&
      until > this.#after &&
      until <= this.#last
    )
      return;
    this.#coverage = coverage;
    this.#state = state;
    const reach = this.#reach;
    this.isReachable = reach.set(coverage, state, begin, until);
    if (this.isReachable) {
      this.#heldFrom = state.earliest[reach.firstGeneration]!;
      this.leafUntil = reach.leafUntil();
      this.drained = coverage.drained(this.leafUntil);
      this.isLastingAbsence = reach.isLastingAbsence(cachesAbsence);
    }
    this.#bound(coverage, state, begin, until);
  }

  /** First position at which it can be loaded. Pre: it is reachable. */
  get first(): number {
    return Math.max(this.#heldFrom, this.#begin);
  }

  /** When some cache holds it as a leaf inside the coverage. Pre: it is reachable. */
  spans(): Spans {
    this.#reach.set(this.#coverage!, this.#state!, this.#begin, this.#until);
    return this.#reach.cachedInside();
  }

  /** Finds the versions that have the same answer: one end may move, the other stays. */
  #bound({ deaths, generations, reaching }: Coverage, { earliest }: HeldTable, begin: number, until: number) {
    this.#from = begin;
    this.#to = begin + 1;
    this.#after = until - 1;
    this.#last = until;
    if (begin > 0) {
      this.#from = 1;
      this.#to = NEVER;
      for (let g = 0; g < generations; g++) {
        const end = Math.min(until, deaths[g]!);
        if (end <= begin) this.#from = Math.max(this.#from, end);
        else this.#to = Math.min(this.#to, end);
      }
      return;
    }
    this.#after = 0;
    this.#last = NEVER;
    this.#edge(NEVER - 1, until);
    for (let g = 0; g < generations; g++) {
      this.#edge(earliest[g]!, until);
      this.#edge(deaths[g]!, until);
    }
    for (const { step } of reaching) this.#edge(step, until);
  }

  /** Ends on either side of an edge have answers of their own. */
  #edge(at: number, until: number): void {
    if (at < until) this.#after = Math.max(this.#after, at);
    else this.#last = Math.min(this.#last, at);
  }
}
