import { CACHES_ALL } from "../edit-script/index.ts";
import { ascending } from "./ascending.ts";
import { Coverage, type CoverageRules, SharedReach } from "./coverage.ts";
import { Generations } from "./generations.ts";
import { PositionFinder } from "./positions.ts";
import type { Ranges } from "./ranges.ts";
import type { ScriptLog } from "./script-log.ts";

const NONE: readonly number[] = [];

/**
 * Cuts the pages before `end` into stretches that the same invalidations of a tag reach, ascending; stretches without
 * any of the `wanted` pages are left out, but for the last.
 *
 * A script that goes page by page makes as many stretches as pages, and may flush the whole domain for each of them: what reaches
 * all wanted pages is kept once for all stretches.
 */
export class Coverages {
  readonly #end: number;
  readonly #wanted: Ranges;
  readonly #rules: CoverageRules;
  /** Invalidations of the tag, by position, and their pages. */
  readonly #posted: readonly number[];
  readonly #starts: Float64Array;
  readonly #ends: Float64Array;
  /** Places in these columns in the order of starts and of ends, and the next of either behind the stretch made last. */
  readonly #byStart: Uint32Array;
  readonly #byEnd: Uint32Array;
  #nextStart = 0;
  #nextEnd = 0;
  /** 1 for those that reach all wanted pages. */
  readonly #isShared: Uint8Array;
  readonly #shared: SharedReach;
  readonly #sharedGenerations: Generations;
  /** Places of the others that reach the stretch at hand, in queue order. */
  readonly #active: number[] = [];
  #own = NONE;
  #ownStops = NONE;
  #generations: Generations;
  #from = 0;
  /** The first wanted range that does not end before the stretch. */
  #range = 0;

  constructor(
    log: ScriptLog,
    tag: number,
    end: number,
    wanted: Ranges,
    hasAtc: boolean,
    mustContain: boolean,
  ) {
    const posted = log.invalidations;
    this.#end = end;
    this.#wanted = wanted;
    this.#rules = { posted, drains: new PositionFinder(log.drainsOf(tag)), hasAtc, mustContain };
    const own: number[] = [];
    for (let at = 0; at < posted.length; at++)
      if (posted.domains[at] === tag && posted.starts[at]! < end && posted.caches[at]! & CACHES_ALL)
        own.push(at);
    this.#posted = own;
    const count = this.#posted.length;
    this.#starts = new Float64Array(count);
    this.#ends = new Float64Array(count);
    this.#isShared = new Uint8Array(count);
    const first = wanted.starts[0] ?? -1;
    const last = wanted.ends[wanted.ends.length - 1] ?? Infinity;
    const shared: number[] = [];
    for (let i = 0; i < count; i++) {
      const at = own[i]!;
      this.#starts[i] = posted.starts[at]!;
      this.#ends[i] = Math.min(posted.ends[at]!, end);
      if (posted.starts[at]! > first || posted.ends[at]! < last) continue;
      this.#isShared[i] = 1;
      shared.push(at);
    }
    this.#byStart = ascending(this.#starts);
    this.#byEnd = this.#endsAsStarted() ? this.#byStart : ascending(this.#ends);
    this.#shared = new SharedReach(shared);
    this.#sharedGenerations = this.#generations = Generations.whole.cut(posted, this.#stopsAmong(shared));
  }

  /** The next stretch, null behind the last. */
  next(): Coverage | null {
    const wanted = this.#wanted;
    while (this.#from < this.#end) {
      const from = this.#from;
      const to = this.#enter(from);
      this.#from = to;
      while (this.#range < wanted.ends.length && wanted.ends[this.#range]! <= from) this.#range++;
      if ((wanted.starts[this.#range] ?? Infinity) < to)
        return new Coverage(from, to, this.#shared, this.#own, this.#generations, this.#rules);
      if (to === this.#end) return this.#unwanted(from, to);
    }
    return null;
  }

  /** All that are left. */
  rest(): Coverage[] {
    const all: Coverage[] = [];
    for (let next = this.next(); next !== null; next = this.next()) all.push(next);
    return all;
  }

  /** Takes in what reaches a page at which a stretch begins; returns where it ends. */
  #enter(from: number): number {
    const [starts, ends, active] = [this.#starts, this.#ends, this.#active];
    let isOther = false;
    let kept = 0;
    for (let k = 0; k < active.length; k++) if (ends[active[k]!]! > from) active[kept++] = active[k]!;
    for (; active.length > kept; isOther = true) active.pop();
    let start = Infinity;
    for (; this.#nextStart < starts.length; this.#nextStart++) {
      const i = this.#byStart[this.#nextStart]!;
      start = starts[i]!;
      if (start > from) break;
      start = Infinity;
      if (this.#isShared[i] === 1 || ends[i]! <= from) continue;
      active.push(i);
      isOther = true;
    }
    if (isOther) this.#take();
    let end = this.#end;
    for (; this.#nextEnd < ends.length; this.#nextEnd++) {
      end = ends[this.#byEnd[this.#nextEnd]!]!;
      if (end > from) break;
      end = this.#end;
    }
    return Math.min(start, end, this.#end);
  }

  /** Others are active than before. */
  #take(): void {
    const active = this.#active;
    if (active.length > 1) active.sort((a, b) => a - b);
    const own = new Array<number>(active.length);
    for (let k = 0; k < own.length; k++) own[k] = this.#posted[active[k]!]!;
    this.#own = own;
    const stops = this.#stopsAmong(own);
    if (stops.length === 0) this.#generations = this.#sharedGenerations;
    else if (!isSame(stops, this.#ownStops))
      this.#generations = this.#sharedGenerations.cut(this.#rules.posted, stops);
    this.#ownStops = stops;
  }

  /** The last stretch, which may lie behind what reaches all wanted pages. */
  #unwanted(from: number, to: number): Coverage {
    const posted = this.#posted;
    const own = posted.filter((_, i) => this.#starts[i]! <= from && this.#ends[i]! > from);
    const generations = Generations.whole.cut(this.#rules.posted, this.#stopsAmong(own));
    return new Coverage(from, to, new SharedReach(NONE), own, generations, this.#rules);
  }

  #stopsAmong(positions: readonly number[]): readonly number[] {
    let stops: number[] | null = null;
    for (const at of positions) if (this.#rules.posted.stopsWalks(at)) (stops ??= []).push(at);
    return stops ?? NONE;
  }

  /** True iff they end in the order in which they start. */
  #endsAsStarted(): boolean {
    const [ends, order] = [this.#ends, this.#byStart];
    for (let k = 1; k < order.length; k++) if (ends[order[k - 1]!]! > ends[order[k]!]!) return false;
    return true;
  }
}

const isSame = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((at, i) => at === b[i]);
