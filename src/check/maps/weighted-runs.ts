import type { PinRun } from "../../edit-script/index.ts";
import { pfn } from "../../units/index.ts";
import { ascending } from "../lists/ascending.ts";
import { NumberList } from "../lists/number-list.ts";
import type { Ranges } from "../lists/ranges.ts";
import type { Unpins } from "../script/unpins.ts";
import { type JointMap, NOTHING } from "./joint-map.ts";
import type { MapSide } from "./map-reader.ts";

/** Runs of frames, each with a weight: pins, or pages that lead there. They may overlap. */
export class WeightedRuns {
  readonly #starts = new NumberList();
  readonly #ends = new NumberList();
  readonly #weights = new NumberList();

  static ofPins(pins: Iterable<PinRun>): WeightedRuns {
    const runs = new WeightedRuns();
    for (const { pfn, pages, count } of pins) runs.add(pfn, pfn + pages, count);
    return runs;
  }

  get starts(): Float64Array {
    return this.#starts.values;
  }
  get ends(): Float64Array {
    return this.#ends.values;
  }
  get weights(): Float64Array {
    return this.#weights.values;
  }

  add(start: number, end: number, weight: number): void {
    this.#starts.push(start);
    this.#ends.push(end);
    this.#weights.push(weight);
  }

  /** Adds the frames that a map gives to pages, or to those that change. */
  addPages(maps: JointMap, side: MapSide, weight: number, onlyChanged: boolean): void {
    const frames = side === "old" ? maps.oldFrames : maps.newFrames;
    for (let piece = 0; piece + 1 < maps.length; piece++) {
      const frame = frames[piece]!;
      if (frame > NOTHING && !(onlyChanged && !maps.isChanged(piece)))
        this.add(frame, frame + maps.end(piece) - maps.start(piece), weight);
    }
  }

  /** One object a run, for readers of a few. */
  *pins(): Generator<PinRun> {
    const { starts, ends, weights } = this;
    for (let i = 0; i < starts.length; i++)
      yield { pfn: pfn(starts[i]!), pages: ends[i]! - starts[i]!, count: weights[i]! };
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
  readonly #order: Uint32Array;
  readonly #sorted: Float64Array;
  #next = 0;
  /** The next edge, Infinity after the last. */
  first: number;

  constructor(edges: Float64Array, order: Uint32Array) {
    this.#order = order;
    this.#sorted = new Float64Array(order.length + 1);
    for (let k = 0; k < order.length; k++) this.#sorted[k] = edges[order[k]!]!;
    this.#sorted[order.length] = Infinity;
    this.first = this.#sorted[0]!;
  }

  /** Starts and ends: runs that do not overlap end in the order in which they start. */
  static of({ starts, ends }: Ranges): readonly [Edges, Edges] {
    const order = ascending(starts);
    for (let k = 1; k < order.length; k++)
      if (ends[order[k - 1]!]! > ends[order[k]!]!)
        return [new Edges(starts, order), new Edges(ends, ascending(ends))];
    return [new Edges(starts, order), new Edges(ends, order)];
  }

  /** Position in the list of the next edge, which is left behind. */
  take(): number {
    const at = this.#order[this.#next++]!;
    this.first = this.#sorted[this.#next]!;
    return at;
  }
}

/** Goes through the frames in ascending order, from edge to edge of any run. */
export function sweep(unpins: Unpins, pins: WeightedRuns, references: WeightedRuns, visit: Stretch): void {
  const [from, to] = Edges.of(unpins);
  const [pinned, released] = Edges.of(pins);
  const [led, left] = Edges.of(references);
  const nextEdge = (): number =>
    Math.min(from.first, to.first, pinned.first, released.first, led.first, left.first);
  const { ends, steps: stepOf } = unpins;
  const { weights: pinWeights } = pins;
  const { weights: pageWeights } = references;
  let [held, pages] = [0, 0];
  /* Positions in `unpins` of those that reach the stretch, and their steps. */
  let active: number[] = [];
  let steps: readonly number[] = NO_STEPS;
  for (let start = nextEdge(); start < Infinity; ) {
    let isOther = false;
    for (; from.first === start; isOther = true) active.push(from.take());
    for (; to.first === start; isOther = true) to.take();
    while (pinned.first === start) held += pinWeights[pinned.take()]!;
    while (released.first === start) held -= pinWeights[released.take()]!;
    while (led.first === start) pages += pageWeights[led.take()]!;
    while (left.first === start) pages -= pageWeights[left.take()]!;
    if (isOther) {
      if (active.length > 1) active = active.filter((i) => ends[i]! > start).sort((a, b) => a - b);
      else if (ends[active[0]!]! <= start) active.pop();
      steps = active.length === 0 ? NO_STEPS : active.map((i) => stepOf[i]!);
    }
    const end = nextEdge();
    if (end < Infinity) visit(start, end, held, pages, steps);
    start = end;
  }
}
