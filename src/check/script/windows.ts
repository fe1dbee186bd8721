import { ascending } from "../lists/ascending.ts";
import { NO_NUMBERS, NumberList } from "../lists/number-list.ts";
import type { Window } from "./declared-windows.ts";

/**
 * Which windows hold a page, however many there are: the stretches between edges are the leaves of a tree, and each window stands at the
 * few nodes that make up its pages. Those of a node are in the order in which they open.
 */
export class Windows {
  readonly #all: readonly Window[];
  /** Pages at which a window begins or ends, ascending. */
  readonly #edges: Float64Array;
  /** Where the last answer stands among them. */
  #place = 0;
  #nodes: Nodes | null = null;

  constructor(all: readonly Window[]) {
    this.#all = all;
    this.#edges = all.length === 0 ? NO_NUMBERS : edgesOf(all);
  }

  /** The first page behind this one at which a window begins or ends. */
  edgeBehind(page: number): number {
    return this.#edges[this.#edgesUpTo(page)] ?? Infinity;
  }

  /** True iff windows hold a page at all positions of the spans that are before `end`. */
  allow(page: number, spans: readonly number[], end: number): boolean {
    const leaf = this.#leafOf(page);
    if (leaf < 0) return false;
    const nodes = this.#tree;
    if (!nodes.isHeld(leaf)) return false;
    for (let i = 0; i < spans.length; i += 2) {
      const to = Math.min(spans[i + 1]!, end);
      for (let at = spans[i]!; at < to; ) {
        const until = nodes.heldUntil(leaf, at);
        if (until <= at) return false;
        at = until;
      }
    }
    return true;
  }

  /** The leaf that holds a page, -1 where no window does. */
  #leafOf(page: number): number {
    const before = this.#edgesUpTo(page);
    return before === 0 || before === this.#edges.length ? -1 : before - 1;
  }

  /** How many edges are not behind a page: pages are asked about in ascending order more often than not. */
  #edgesUpTo(page: number): number {
    const edges = this.#edges;
    let low = 0;
    let high = edges.length;
    const place = this.#place;
    if (place === 0 || edges[place - 1]! <= page) {
      if (place === high || edges[place]! > page) return place;
      low = place + 1;
      if (low === high || edges[low]! > page) return (this.#place = low);
    } else high = place - 1;
    while (low < high) {
      const mid = (low + high) >>> 1;
      if (edges[mid]! <= page) low = mid + 1;
      else high = mid;
    }
    return (this.#place = low);
  }

  get #tree(): Nodes {
    return (this.#nodes ??= new Nodes(this.#all, this.#edges));
  }
}

/** The tree, in columns. Leaf k holds the pages from edge k to edge k + 1. */
class Nodes {
  readonly #leaves: number;
  /** Windows of node n: the places [begins[n], begins[n + 1]), by the position at which they open. */
  readonly #begins: Uint32Array;
  readonly #windows: readonly Window[];
  /** The last position up to which one of them is open that opens no later. */
  readonly #latest: Float64Array;

  constructor(all: readonly Window[], edges: Float64Array) {
    const leaves = edges.length - 1;
    this.#leaves = leaves;
    const begins = new Uint32Array(2 * leaves + 1);
    const visit = ({ start, end }: Window, take: (node: number) => void): void => {
      let low = leaves + placeOf(edges, start);
      let high = leaves + placeOf(edges, end);
      for (; low < high; low >>>= 1, high >>>= 1) {
        if (low & 1) take(low++);
        if (high & 1) take(--high);
      }
    };
    for (const window of all) visit(window, (node) => begins[node + 1]!++);
    for (let node = 0; node < 2 * leaves; node++) begins[node + 1]! += begins[node]!;
    const next = begins.slice();
    const windows = new Array<Window>(begins[2 * leaves]!);
    for (const i of ascending(all.map(({ open }) => open)))
      visit(all[i]!, (node) => {
        windows[next[node]!++] = all[i]!;
      });
    const latest = new Float64Array(windows.length);
    for (let node = 0; node < 2 * leaves; node++)
      for (let at = begins[node]!, last = 0; at < begins[node + 1]!; at++)
        latest[at] = last = Math.max(last, windows[at]!.close);
    [this.#begins, this.#windows, this.#latest] = [begins, windows, latest];
  }

  isHeld(leaf: number): boolean {
    for (let node = leaf + this.#leaves; node > 0; node >>>= 1)
      if (this.#begins[node] !== this.#begins[node + 1]) return true;
    return false;
  }

  /** Until when the windows hold a leaf that are open at a position, or were: no later than that where none is. */
  heldUntil(leaf: number, position: number): number {
    let until = 0;
    for (let node = leaf + this.#leaves; node > 0; node >>>= 1) {
      const behind = this.#openedBy(node, position);
      if (behind > this.#begins[node]!) until = Math.max(until, this.#latest[behind - 1]!);
    }
    return until;
  }

  /** The place behind those of a node that open no later than at a position. */
  #openedBy(node: number, position: number): number {
    let low = this.#begins[node]!;
    let high = this.#begins[node + 1]!;
    while (low < high) {
      const mid = (low + high) >>> 1;
      if (this.#windows[mid]!.open <= position) low = mid + 1;
      else high = mid;
    }
    return low;
  }
}

function edgesOf(all: readonly Window[]): Float64Array {
  const edges = new NumberList();
  const every = new Float64Array(2 * all.length);
  for (let i = 0; i < all.length; i++) [every[2 * i], every[2 * i + 1]] = [all[i]!.start, all[i]!.end];
  for (const edge of every.sort()) if (edges.length === 0 || edge > edges.last) edges.push(edge);
  return edges.values;
}

/** Where an edge stands. Pre: it is one. */
export function placeOf(edges: Float64Array, edge: number): number {
  let low = 0;
  let high = edges.length - 1;
  while (low < high) {
    const mid = (low + high) >>> 1;
    if (edges[mid]! < edge) low = mid + 1;
    else high = mid;
  }
  return low;
}
