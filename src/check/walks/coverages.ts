import { CACHES_ALL } from "../../edit-script/index.ts";
import { ascending } from "../lists/ascending.ts";
import type { Ranges } from "../lists/ranges.ts";
import { PositionFinder } from "../script/positions.ts";
import type { ScriptLog } from "../script/script-log.ts";
import { Coverage, type CoverageRules, SharedReach } from "./coverage.ts";
import { CutGenerations, Generations } from "./generations.ts";

const NONE: readonly number[] = [];
/** Pages with more stops of their own have a memory of their own for the generations that these make. */
const FEW_STOPS = 8;
const NO_POSITIONS = new Int32Array(0);

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
  readonly #tag: number;
  /** Invalidations of the tag that reach some wanted pages and not all, by position, and their pages: in the order of these. */
  readonly #posted: Int32Array;
  readonly #starts: Float64Array;
  readonly #ends: Float64Array;
  /** The same ends, ascending. */
  readonly #stops: Float64Array;
  /** The next start and the next end behind the stretch made last. */
  #nextStart = 0;
  #nextEnd = 0;
  /** Those that reach all wanted pages, the edges of theirs that stretches have to keep to, and the generations they make. */
  readonly #edges: readonly number[];
  readonly #shared: SharedReach;
  readonly #sharedGenerations: Generations;
  /** The same cut by few stops, by their number. */
  readonly #cuts: CutGenerations[] = [];
  /** Places of the others that reach the stretch at hand. */
  readonly #active: number[] = [];
  /** Others are active than those that were made an answer of. */
  #isOther = false;
  #own = NONE;
  #ownStops = NONE;
  #generations: Generations;
  /** Moves from page to page, with what reaches it besides what reaches all. */
  readonly #lone: Coverage;
  readonly #loneOwn: number[] = [];
  /** It looks invalidations up in a copy, in which they stand in the order of their pages. */
  readonly #isOrdered: boolean;
  #from = 0;
  /** The first of the edges behind it. */
  #edge = 0;
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
    const posted = log.invalidationsOf(tag);
    this.#tag = tag;
    this.#end = end;
    this.#wanted = wanted;
    this.#rules = { posted, drains: new PositionFinder(log.drainsOf(tag)), hasAtc, mustContain };
    const first = wanted.starts[0] ?? -1;
    const last = wanted.ends[wanted.ends.length - 1] ?? Infinity;
    // Mostly all are of one kind: they stand in one column, those of the one kind from its start on, those of the other from its end.
    const both = new Int32Array(posted.length);
    let [owns, shareds] = [0, both.length];
    for (let at = 0; at < posted.length; at++) {
      if (!this.#isOfTag(at)) continue;
      if (posted.starts[at]! <= first && last <= posted.ends[at]!) both[--shareds] = at;
      else both[owns++] = at;
    }
    const own = both.subarray(0, owns);
    this.#posted = byStart(own, posted.starts);
    this.#starts = picked(posted.starts, this.#posted, Infinity);
    this.#ends = picked(posted.ends, this.#posted, end);
    this.#stops = isAscending(this.#ends) ? this.#ends : this.#ends.toSorted();
    this.#shared = new SharedReach(posted, both.subarray(shareds).reverse());
    this.#edges = this.#edgesOf(this.#shared.positions);
    const stops = this.#shared.positions.filter((at) => posted.stopsWalks(at));
    this.#sharedGenerations = this.#generations = Generations.whole.cut(posted, stops);
    // In the script they stand in another order: what pages ask of them is put in theirs.
    this.#isOrdered = this.#posted !== own && shareds === both.length;
    const ordered = this.#isOrdered ? posted.inOrder(this.#posted, this.#starts, this.#ends) : posted;
    const rules = { ...this.#rules, posted: ordered };
    this.#lone = new Coverage(0, 0, this.#shared, this.#loneOwn, Generations.whole, rules);
  }

  /**
   * The next stretch, null behind the last. Stretches of one page that `passes` decides are left out: it is shown a coverage that has no
   * generations, and that is the next page's when it is called again.
   */
  next(passes: ((lone: Coverage) => boolean) | null = null): Coverage | null {
    const wanted = this.#wanted;
    while (this.#from < this.#end) {
      const from = this.#from;
      const to = this.#enter(from);
      this.#from = to;
      while (this.#range < wanted.ends.length && wanted.ends[this.#range]! <= from) this.#range++;
      if ((wanted.starts[this.#range] ?? Infinity) < to) {
        if (passes !== null && to - from === 1 && passes(this.#at(from))) continue;
        if (this.#isOther) this.#take();
        return new Coverage(from, to, this.#shared, this.#own, this.#generations, this.#rules);
      }
      if (to === this.#end) return this.#unwanted(from, to);
    }
    return null;
  }

  /** The coverage of a page by itself. Pre: it was entered. */
  #at(page: number): Coverage {
    const [own, active] = [this.#loneOwn, this.#sorted()];
    while (own.length > active.length) own.pop();
    for (let k = 0; k < active.length; k++) own[k] = this.#isOrdered ? active[k]! : this.#posted[active[k]!]!;
    this.#lone.moveTo(page);
    return this.#lone;
  }

  /** Takes in what reaches a page at which a stretch begins; returns where it ends. */
  #enter(from: number): number {
    const [starts, ends, active] = [this.#starts, this.#ends, this.#active];
    let kept = 0;
    for (let k = 0; k < active.length; k++) if (ends[active[k]!]! > from) active[kept++] = active[k]!;
    for (; active.length > kept; this.#isOther = true) active.pop();
    let start = Infinity;
    for (; this.#nextStart < starts.length; this.#nextStart++) {
      const i = this.#nextStart;
      start = starts[i]!;
      if (start > from) break;
      start = Infinity;
      if (ends[i]! <= from) continue;
      active.push(i);
      this.#isOther = true;
    }
    let end = this.#end;
    for (; this.#nextEnd < ends.length; this.#nextEnd++) {
      end = this.#stops[this.#nextEnd]!;
      if (end > from) break;
      end = this.#end;
    }
    while (this.#edges[this.#edge]! <= from) this.#edge++;
    return Math.min(start, end, this.#edges[this.#edge] ?? Infinity, this.#end);
  }

  /** Those that are active, in queue order. */
  #sorted(): number[] {
    const [active, posted] = [this.#active, this.#posted];
    return active.length > 1 ? active.sort((a, b) => posted[a]! - posted[b]!) : active;
  }

  /** Makes an answer of those that are active. */
  #take(): void {
    this.#isOther = false;
    const active = this.#sorted();
    const own = new Array<number>(active.length);
    for (let k = 0; k < own.length; k++) own[k] = this.#posted[active[k]!]!;
    this.#own = own;
    const stops = this.#stopsAmong(own);
    if (stops.length === 0) this.#generations = this.#sharedGenerations;
    else if (!isSame(stops, this.#ownStops)) this.#generations = this.#cut(stops);
    this.#ownStops = stops;
  }

  #cut(stops: readonly number[]): Generations {
    const [shared, posted, count] = [this.#sharedGenerations, this.#rules.posted, stops.length];
    if (count > FEW_STOPS) return shared.cut(posted, stops);
    return (this.#cuts[count] ??= new CutGenerations(shared, posted, count)).at(stops);
  }

  /** The last stretch, which may lie behind what reaches all wanted pages. */
  #unwanted(from: number, to: number): Coverage {
    const { posted } = this.#rules;
    const own: number[] = [];
    for (let at = 0; at < posted.length; at++)
      if (this.#isOfTag(at) && posted.starts[at]! <= from && from < posted.ends[at]!) own.push(at);
    const generations = Generations.whole.cut(posted, this.#stopsAmong(own));
    return new Coverage(from, to, new SharedReach(posted, NO_POSITIONS), own, generations, this.#rules);
  }

  /** True iff an invalidation is of the tag, and of pages before the end. */
  #isOfTag(at: number): boolean {
    const { posted } = this.#rules;
    return (
      posted.domains[at] === this.#tag &&
      posted.starts[at]! < this.#end &&
      (posted.caches(at) & CACHES_ALL) !== 0
    );
  }

  /**
   * Where a stretch with wanted pages may begin and has to end, and behind which the same of these invalidations reach all pages;
   * ascending.
   */
  #edgesOf(shared: Int32Array): number[] {
    const { starts, ends } = this.#rules.posted;
    let [from, to, last] = [0, this.#end, 0];
    for (let i = 0; i < shared.length; i++) {
      const [start, end] = [starts[shared[i]!]!, ends[shared[i]!]!];
      if (start > from) from = start;
      if (end < to) to = end;
      if (end < this.#end && end > last) last = end;
    }
    return [from, to, last].sort((a, b) => a - b);
  }

  #stopsAmong(positions: readonly number[]): readonly number[] {
    const { posted } = this.#rules;
    let count = 0;
    for (let k = 0; k < positions.length; k++) if (posted.stopsWalks(positions[k]!)) count++;
    if (count === 0) return NONE;
    return count === positions.length ? positions : positions.filter((at) => posted.stopsWalks(at));
  }
}

/** Positions in a column in the order of its numbers; equal ones stay in the order they have. */
function byStart(positions: Int32Array, starts: Float64Array): Int32Array {
  if (isAscending(starts)) return positions;
  const own = picked(starts, positions, Infinity);
  return isAscending(own) ? positions : inOrder(positions, ascending(own));
}

function inOrder(list: Int32Array, order: Uint32Array): Int32Array {
  const sorted = new Int32Array(order.length);
  for (let i = 0; i < order.length; i++) sorted[i] = list[order[i]!]!;
  return sorted;
}

function isAscending(list: Float64Array): boolean {
  for (let i = 1; i < list.length; i++) if (list[i - 1]! > list[i]!) return false;
  return true;
}

/** The numbers at some positions of a column, none greater than `most`: the column itself where that is what it is. */
function picked(column: Float64Array, positions: Int32Array, most: number): Float64Array {
  let isWhole = positions.length === column.length;
  for (let i = 0; isWhole && i < column.length; i++) isWhole = positions[i] === i && column[i]! <= most;
  if (isWhole) return column;
  const some = new Float64Array(positions.length);
  for (let i = 0; i < some.length; i++) some[i] = Math.min(column[positions[i]!]!, most);
  return some;
}

const isSame = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((at, i) => at === b[i]);
