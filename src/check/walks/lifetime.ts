import { NEVER } from "../script/positions.ts";
import type { Coverage } from "./coverage.ts";
import type { Spans } from "./facts.ts";
import { earliestOf, firstLoading, type HeldTable, isEver, lastLoading } from "./held-table.ts";
import { Reach } from "./reach.ts";

/**
 * Until when what a version of an entry says can be used. Neighbouring entries are stored one after the other and nearly
 * always die together: an answer holds until a generation or an invalidation lies in between.
 */
export class Lifetime {
  /** Made when spans are asked for. */
  readonly #reach = new Reach();
  #coverage: Coverage | null = null;
  /** Its first page: one that moves from page to page stays the same object. */
  #start = 0;
  #state: HeldTable | null = null;
  /** The answer holds for versions that begin in [from, to) and end in (after, last]. */
  #from = 0;
  #to = 0;
  #after = 0;
  #last = 0;
  /** Questions that the answer has held for, and answers that held for none. */
  #hits = 0;
  #misses = 0;
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
      coverage.start === this.#start &&
      state === this.#state &&
      begin >= this.#from &&
      begin < this.#to &&
      until > this.#after &&
      until <= this.#last
    ) {
      this.#hits++;
      return;
    }
    this.#coverage = coverage;
    this.#start = coverage.start;
    this.#state = state;
    if (isEver(state)) {
      this.#setEver(coverage, begin, until, cachesAbsence);
      return;
    }
    const { deaths } = coverage;
    const first = firstLoading(state, coverage, begin, until);
    this.isReachable = first >= 0;
    if (this.isReachable) {
      // Of what is loaded last the caches are rid last.
      const last = lastLoading(state, coverage, begin, until);
      const loaded = Math.min(until, deaths[last]!) - 1;
      this.#heldFrom = earliestOf(state, coverage, first);
      this.leafUntil = coverage.leafDeath(last, loaded, coverage.start, coverage.end);
      this.drained = coverage.drained(this.leafUntil);
      const absentUntil = cachesAbsence ? coverage.absenceDeath(last, loaded) : loaded + 1;
      this.isLastingAbsence = absentUntil === NEVER;
    }
    this.#from = begin;
    this.#to = begin + 1;
    this.#after = until - 1;
    this.#last = until;
    if (this.#isBounded(coverage)) this.#bound(coverage, state, begin, until);
  }

  /** The same in a table that walks may hold all the time: generations do not matter. */
  #setEver(coverage: Coverage, begin: number, until: number, cachesAbsence: boolean): void {
    this.isReachable = begin < until;
    this.#heldFrom = 0;
    // Versions that have begun by then can be loaded.
    this.#from = this.isReachable ? 0 : begin;
    const drop = coverage.leafDropBehind(until);
    this.leafUntil = coverage.deathBy(drop);
    this.drained = coverage.drainedBy(drop);
    const absentUntil = cachesAbsence ? coverage.deathBy(coverage.absenceDropBehind(until)) : until;
    this.isLastingAbsence = absentUntil === NEVER;
    this.#to = this.isReachable ? until : begin + 1;
    this.#after = until - 1;
    this.#last = until;
    if (this.isReachable && this.#isBounded(coverage)) {
      this.#after = 0;
      this.#last = NEVER;
      // What is read for ever is absent for ever.
      this.#edge(NEVER - 1, until);
      this.#edge(coverage.lastSubmitBefore(until), until);
      this.#edge(coverage.firstSubmitFrom(until), until);
      this.#to = this.#after + 1;
    }
  }

  #isBounded(coverage: Coverage): boolean {
    // Of a single page hardly anything is asked twice.
    return coverage.end - coverage.start > 1 && this.#isWorthBounding();
  }

  /** Bounds that nobody was within cost more than they save: then they are found now and then only. */
  #isWorthBounding(): boolean {
    const isWorth = this.#hits > 0 || ++this.#misses % 8 === 0;
    this.#hits = 0;
    return isWorth;
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

  /** Finds versions that have the same answer: one end may move, the other stays. */
  #bound(coverage: Coverage, state: HeldTable, begin: number, until: number): void {
    const { begins, deaths } = coverage;
    if (begin > 0) {
      const alive = coverage.firstAlive(begin);
      this.#from = alive === 0 ? 1 : Math.max(1, deaths[alive - 1]!);
      this.#to = Math.min(until, deaths[alive]!);
      return;
    }
    this.#after = 0;
    this.#last = NEVER;
    this.#edge(NEVER - 1, until);
    const begun = coverage.lastBegun(until);
    this.#edge(begins[begun]!, until);
    this.#edge(begins[begun + 1]!, until);
    this.#edge(earliestOf(state, coverage, begun), until);
    const alive = coverage.firstAlive(until - 1);
    if (alive > 0) this.#edge(deaths[alive - 1]!, until);
    this.#edge(deaths[alive]!, until);
    this.#edge(coverage.lastSubmitBefore(until), until);
    this.#edge(coverage.firstSubmitFrom(until), until);
  }

  /** Ends on either side of an edge have answers of their own. */
  #edge(at: number, until: number): void {
    if (at < until) this.#after = Math.max(this.#after, at);
    else this.#last = Math.min(this.#last, at);
  }
}
