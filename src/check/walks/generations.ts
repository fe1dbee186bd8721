import type { Invalidations } from "../script/invalidations.ts";
import { NEVER, placeNear } from "../script/positions.ts";

/** How the invalidations that stop walks cut time, for some pages. */
export class Generations {
  readonly length: number;
  #begins: Int32Array;
  #deaths: Int32Array;
  /** Makes them once more, where others stand in the memory that these stood in. */
  #again: (() => Generations) | null = null;
  /** What was answered last. */
  #alive = 0;
  #begun = 0;

  constructor(begins: Int32Array, deaths: Int32Array) {
    this.length = deaths.length;
    this.#begins = begins;
    this.#deaths = deaths;
  }

  /** No walk is ever stopped. */
  static readonly whole = new Generations(Int32Array.of(0, NEVER), Int32Array.of(NEVER));

  /** A walk of generation g makes its first load at a position in [begins[g], begins[g + 1]). */
  get begins(): Int32Array {
    if (this.#again !== null) this.#remake(this.#again());
    return this.#begins;
  }

  /** Position at which nothing is left of what walks of a generation hold. */
  get deaths(): Int32Array {
    if (this.#again !== null) this.#remake(this.#again());
    return this.#deaths;
  }

  /** Gives its memory away. */
  yieldTo(next: Generations, again: () => Generations): void {
    this.#again = again;
    [next.#alive, next.#begun] = [this.#alive, this.#begun];
  }

  #remake(same: Generations): void {
    [this.#begins, this.#deaths, this.#again] = [same.begins, same.deaths, null];
  }

  /** The same with more stops, in queue order: those of a page beside the ones that all pages share. */
  cut(posted: Invalidations, stops: ArrayLike<number>): Generations {
    return new CutGenerations(this, posted, stops.length).at(stops);
  }

  /** The first generation that is not dead at a position. */
  firstAlive(position: number): number {
    const { deaths } = this;
    // What was there before the script is asked for as often as what is written.
    if (deaths[0]! > position) return 0;
    return (this.#alive = placeNear(deaths, position + 1, this.#alive));
  }

  /** The last generation that begins before a position. Pre: the position is not 0. */
  lastBegun(position: number): number {
    const { begins } = this;
    if (begins[this.length - 1]! < position) return this.length - 1;
    this.#begun = placeNear(begins, position, this.#begun);
    return this.#begun - 1;
  }
}

/**
 * The generations that all pages share, with as many stops of one page after the other between them. They stand in one memory, in
 * which a stop moves from its old place to its new one: a script that goes page by page and flushes the whole domain now and then
 * would otherwise have all flushes copied for each page.
 */
export class CutGenerations {
  readonly #shared: Generations;
  readonly #posted: Invalidations;
  readonly #begins: Int32Array;
  readonly #deaths: Int32Array;
  /** Where the generations begin that the stops make. */
  readonly #places: Int32Array;
  readonly #before: Int32Array;
  /** Those that stand in the memory, and the stops that made them. */
  #now: Generations | null = null;
  #stops: ArrayLike<number> = [];

  /** `count`: how many stops a page has. */
  constructor(shared: Generations, posted: Invalidations, count: number) {
    this.#shared = shared;
    this.#posted = posted;
    this.#begins = new Int32Array(shared.length + count + 1).fill(NEVER);
    this.#deaths = new Int32Array(shared.length + count).fill(NEVER);
    this.#begins.set(shared.begins);
    this.#deaths.set(shared.deaths);
    this.#places = Int32Array.from({ length: count }, (_, k) => shared.length + k);
    this.#before = new Int32Array(count);
  }

  /** With the stops of a page, in queue order; what was made before for another page makes itself anew when it is asked. */
  at(stops: ArrayLike<number>): Generations {
    const next = new Generations(this.#begins, this.#deaths);
    if (this.#now !== null) {
      const [shared, posted, before] = [this.#shared, this.#posted, this.#stops];
      this.#now.yieldTo(next, () => shared.cut(posted, before));
    }
    this.#before.set(this.#places);
    for (let k = 0; k < stops.length; k++) {
      const near = this.#before[k]! - k;
      this.#places[k] = k + placeNear(this.#shared.begins, this.#posted.step(stops[k]!), near);
    }
    for (let k = 0; k < stops.length; k++) {
      const [from, to] = [this.#before[k]!, this.#places[k]!];
      this.#write(stops, k, Math.min(from, to), Math.max(from, to));
    }
    [this.#now, this.#stops] = [next, stops];
    return next;
  }

  /**
   * Writes the generations that begin at the places [from, to] anew, and the deaths of those before them. The `last`-th stop is not
   * before them.
   */
  #write(stops: ArrayLike<number>, last: number, from: number, to: number): void {
    const [places, posted] = [this.#places, this.#posted];
    let k = last;
    while (k > 0 && places[k - 1]! >= from) k--;
    for (let at = from; at <= to; ) {
      const place = places[k] ?? Infinity;
      if (place === at) {
        this.#begins[at] = posted.step(stops[k]!);
        this.#deaths[at - 1] = posted.completes(stops[k]!);
        at++;
        k++;
        continue;
      }
      const end = Math.min(place, to + 1);
      copy(this.#shared.begins, at - k, this.#begins, at, end - at);
      copy(this.#shared.deaths, at - k - 1, this.#deaths, at - 1, end - at);
      at = end;
    }
  }
}

/** As many as are copied one by one. */
const FEW = 16;

function copy(from: Int32Array, start: number, to: Int32Array, at: number, count: number): void {
  if (count > FEW) to.set(from.subarray(start, start + count), at);
  else for (let i = 0; i < count; i++) to[at + i] = from[start + i]!;
}
