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

/** Told of [start, end) with the weights there and the steps that take a pin, in their order. */
export type Stretch = (
  start: number,
  end: number,
  pins: number,
  references: number,
  steps: readonly number[],
) => void;

/** Goes through the frames in ascending order, from edge to edge of any run. */
export function sweep(unpins: Unpins, pins: WeightedRuns, references: WeightedRuns, visit: Stretch): void {
  const lists = [unpins, pins, references];
  const edges = new Float64Array(2 * lists.reduce((sum, list) => sum + list.starts.length, 0));
  let filled = 0;
  for (const { starts, ends } of lists) {
    for (let i = 0; i < starts.length; i++) edges[filled + i] = starts[i]!;
    filled += starts.length;
    for (let i = 0; i < ends.length; i++) edges[filled + i] = ends[i]!;
    filled += ends.length;
  }
  const firstPin = 2 * unpins.starts.length;
  const firstReference = firstPin + 2 * pins.starts.length;
  const sums = [0, 0];
  /* Positions in `unpins` of those that reach the stretch, and their steps. */
  let active: number[] = [];
  let steps: number[] = [];
  const order = ascending(edges);
  for (let k = 0; k < order.length; ) {
    const start = edges[order[k]!]!;
    let isOther = false;
    for (; k < order.length && edges[order[k]!] === start; k++) {
      const edge = order[k]!;
      if (edge < firstPin) {
        isOther = true;
        if (edge < firstPin / 2) active.push(edge);
        continue;
      }
      const which = edge < firstReference ? 0 : 1;
      const { weights } = which === 0 ? pins : references;
      const at = edge - (which === 0 ? firstPin : firstReference);
      sums[which]! += at < weights.length ? weights[at]! : -weights[at - weights.length]!;
    }
    if (k === order.length) return;
    if (isOther) {
      active = active.filter((i) => unpins.ends[i]! > start).sort((a, b) => a - b);
      steps = active.map((i) => unpins.steps[i]!);
    }
    visit(start, edges[order[k]!]!, sums[0]!, sums[1]!, steps);
  }
}
