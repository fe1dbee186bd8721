import type { FrameDrops } from "./frame-drops.ts";
import { extentOf, type FrameExtent } from "./frame-set.ts";
import { NumberList } from "./number-list.ts";
import { RangeList } from "./ranges.ts";
import type { Unpins, WeightedRuns } from "./weighted-runs.ts";

/**
 * Pins of frames that lie close together, counted frame by frame while a script takes them: scattered memory has a run for
 * every frame, and to sort millions of those costs more than to count them.
 */
export class PinCounts {
  readonly #extent: FrameExtent;
  readonly #counts: Int32Array;
  /** Step that takes the last pin of a frame, 0 where none does. */
  readonly #dropped: Int32Array;

  private constructor(extent: FrameExtent) {
    this.#extent = extent;
    this.#counts = new Int32Array(extent.frames);
    this.#dropped = new Int32Array(extent.frames);
  }

  /**
   * Counts what is left of `pins` when a script has taken `unpins`; null where the frames lie too far apart. `others` are
   * to be compared with that.
   */
  static of(unpins: Unpins, pins: WeightedRuns, others: WeightedRuns): PinCounts | null {
    const extent = extentOf([unpins, pins, others]);
    if (!extent.isClose) return null;
    const counted = new PinCounts(extent);
    counted.#add(pins, 1);
    counted.#take(unpins);
    return counted;
  }

  #add({ starts, ends, weights }: WeightedRuns, sign: 1 | -1): void {
    const counts = this.#counts;
    const { first } = this.#extent;
    for (let i = 0; i < starts.length; i++) {
      const weight = sign * weights[i]!;
      for (let at = starts[i]! - first; at < ends[i]! - first; at++) counts[at]! += weight;
    }
  }

  #take({ starts, ends, steps }: Unpins): void {
    const counts = this.#counts;
    const dropped = this.#dropped;
    const { first } = this.#extent;
    for (let i = 0; i < starts.length; i++)
      for (let at = starts[i]! - first; at < ends[i]! - first; at++)
        if (--counts[at]! <= 0 && dropped[at] === 0) dropped[at] = steps[i]!;
  }

  /** True iff every frame has as many pins left as there are references to it. Pre: asked once. */
  isBalancedBy(references: WeightedRuns): boolean {
    this.#add(references, -1);
    return this.#counts.every((count) => count === 0);
  }

  /** Frames that lose their last pin, and when. */
  drops(): FrameDrops {
    const dropped = this.#dropped;
    const { first } = this.#extent;
    const frames = new RangeList();
    const steps = new NumberList();
    let last = 0;
    for (let at = 0; at < dropped.length; at++) {
      const step = dropped[at]!;
      if (step !== 0 && step === last) frames.extend(first + at + 1);
      else if (step !== 0) {
        frames.push(first + at, first + at + 1);
        steps.push(step);
      }
      last = step;
    }
    return { frames: frames.ranges(), steps: steps.values };
  }
}
