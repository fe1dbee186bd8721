import { ascending } from "./ascending.ts";
import { RangeList, type Ranges } from "./ranges.ts";

/** Runs of frames, each with a weight: pins, or pages that lead there. They may overlap. */
export class WeightedRuns {
  readonly starts: number[] = [];
  readonly ends: number[] = [];
  readonly weights: number[] = [];

  push(start: number, end: number, weight: number): void {
    this.starts.push(start);
    this.ends.push(end);
    this.weights.push(weight);
  }
}

/** Runs of frames that lose a pin, in the order of the script. */
export class Unpins {
  readonly starts: number[] = [];
  readonly ends: number[] = [];
  readonly steps: number[] = [];

  push(step: number, start: number, end: number): void {
    this.starts.push(start);
    this.ends.push(end);
    this.steps.push(step);
  }

  /** The frames, each once. */
  frames(): Ranges {
    const frames = new RangeList();
    for (const i of ascending(this.starts)) frames.join(this.starts[i]!, this.ends[i]!);
    return frames;
  }
}

const NO_STEPS: readonly number[] = [];

/** Told of [start, end) with the weights there and the steps that take a pin, in their order. */
export type Stretch = (
  start: number,
  end: number,
  pins: number,
  references: number,
  steps: readonly number[],
) => void;

/** The starts or the ends of a list of runs, in ascending order. */
class Edges {
  readonly #edges: readonly number[];
  readonly #order: Uint32Array;
  #next = 0;

  constructor(edges: readonly number[]) {
    this.#edges = edges;
    this.#order = ascending(edges);
  }

  /** The next edge, Infinity after the last. */
  get first(): number {
    return this.#next < this.#order.length ? this.#edges[this.#order[this.#next]!]! : Infinity;
  }
  /** Position in the list of the next edge, which is left behind. */
  take(): number {
    return this.#order[this.#next++]!;
  }
}

/** Goes through the frames in ascending order, from edge to edge of any run. */
export function sweep(unpins: Unpins, pins: WeightedRuns, references: WeightedRuns, visit: Stretch): void {
  const [from, to] = [new Edges(unpins.starts), new Edges(unpins.ends)];
  const [pinned, released] = [new Edges(pins.starts), new Edges(pins.ends)];
  const [led, left] = [new Edges(references.starts), new Edges(references.ends)];
  const nextEdge = (): number =>
    Math.min(from.first, to.first, pinned.first, released.first, led.first, left.first);
  let [held, pages] = [0, 0];
  /* Positions in `unpins` of those that reach the stretch, and their steps. */
  let active: number[] = [];
  let steps: readonly number[] = NO_STEPS;
  for (let start = nextEdge(); start < Infinity; ) {
    let isOther = false;
    for (; from.first === start; isOther = true) active.push(from.take());
    for (; to.first === start; isOther = true) to.take();
    while (pinned.first === start) held += pins.weights[pinned.take()]!;
    while (released.first === start) held -= pins.weights[released.take()]!;
    while (led.first === start) pages += references.weights[led.take()]!;
    while (left.first === start) pages -= references.weights[left.take()]!;
    if (isOther) {
      if (active.length > 1) active = active.filter((i) => unpins.ends[i]! > start).sort((a, b) => a - b);
      else if (unpins.ends[active[0]!]! <= start) active.pop();
      steps = active.length === 0 ? NO_STEPS : active.map((i) => unpins.steps[i]!);
    }
    const end = nextEdge();
    if (end < Infinity) visit(start, end, held, pages, steps);
    start = end;
  }
}
