import { NEVER } from "./positions.ts";
import { placeOf } from "./windows.ts";

/** A declared window: faults are allowed at positions [open, close). */
export interface Window {
  readonly domain: number;
  readonly start: number;
  readonly end: number;
  readonly open: number;
  close: number;
}

/** A step that declares one, or closes what lies in a range. */
export interface WindowStep {
  readonly step: number;
  readonly opens: boolean;
  readonly domain: number;
  readonly start: number;
  readonly end: number;
}

/** The windows that steps declare, in the order of the script. */
export function declaredWindows(steps: readonly WindowStep[]): Window[] {
  const all = new Set<Window>();
  const stepsOf = new Map<number, WindowStep[]>();
  for (const step of steps) {
    const own = stepsOf.get(step.domain);
    if (own === undefined) stepsOf.set(step.domain, [step]);
    else own.push(step);
  }
  const open = new Map([...stepsOf].map(([domain, own]) => [domain, new OpenWindows(own)]));
  for (const { step, opens, domain, start, end } of steps) {
    const own = open.get(domain)!;
    if (opens) {
      const window = { domain, start, end, open: step, close: NEVER };
      all.add(window);
      own.add(window);
    } else close(all, own, start, end, step);
  }
  return [...all];
}

/** Closes the windows that lie inside a range or, where none does, the part of the others that lies in it. */
function close(all: Set<Window>, open: OpenWindows, start: number, end: number, step: number): void {
  const touched = open.touching(start, end);
  const inside = touched.filter((w) => start <= w.start && w.end <= end);
  for (const window of inside) {
    open.delete(window);
    window.close = step;
  }
  if (inside.length > 0) return;
  for (const window of touched) {
    open.delete(window);
    all.delete(window);
    const from = Math.max(start, window.start);
    const to = Math.min(end, window.end);
    all.add({ ...window, start: from, end: to, close: step });
    for (const rest of [
      { ...window, end: from },
      { ...window, start: to },
    ]) {
      if (rest.start >= rest.end) continue;
      all.add(rest);
      open.add(rest);
    }
  }
}

/** Windows of one domain that are open, found by their pages: a tree over where they may begin, each node with the last end below it. */
class OpenWindows {
  readonly #starts: Float64Array;
  readonly #at: Window[][];
  readonly #lastEnds: Float64Array;

  /** `steps`: all that open or close one. What is left of one begins where another one is closed. */
  constructor(steps: readonly WindowStep[]) {
    const edges = new Set<number>();
    for (const { start, end, opens } of steps) {
      edges.add(start);
      if (!opens) edges.add(end);
    }
    this.#starts = Float64Array.from(edges).sort();
    this.#at = Array.from(this.#starts, () => []);
    this.#lastEnds = new Float64Array(2 * this.#starts.length);
  }

  add(window: Window): void {
    const place = placeOf(this.#starts, window.start);
    this.#at[place]!.push(window);
    this.#note(place);
  }

  delete(window: Window): void {
    const place = placeOf(this.#starts, window.start);
    this.#at[place]!.splice(this.#at[place]!.indexOf(window), 1);
    this.#note(place);
  }

  /** Those that have pages in [start, end). */
  touching(start: number, end: number): Window[] {
    const found: Window[] = [];
    const count = this.#starts.length;
    let low = count;
    let high = count + placeOf(this.#starts, end);
    for (; low < high; low >>>= 1, high >>>= 1) {
      if (low & 1) this.#collect(low++, start, found);
      if (high & 1) this.#collect(--high, start, found);
    }
    return found;
  }

  #collect(node: number, start: number, found: Window[]): void {
    if (this.#lastEnds[node]! <= start) return;
    const place = node - this.#starts.length;
    if (place >= 0) {
      for (const window of this.#at[place]!) if (window.end > start) found.push(window);
      return;
    }
    this.#collect(2 * node, start, found);
    this.#collect(2 * node + 1, start, found);
  }

  /** What is open at a place is other than before. */
  #note(place: number): void {
    let node = place + this.#starts.length;
    this.#lastEnds[node] = this.#at[place]!.reduce((last, { end }) => Math.max(last, end), 0);
    for (node >>>= 1; node > 0; node >>>= 1)
      this.#lastEnds[node] = Math.max(this.#lastEnds[2 * node]!, this.#lastEnds[2 * node + 1]!);
  }
}
