import { FrameSet } from "./frame-set.ts";
import { RangeList } from "./ranges.ts";
import { sweep, type Unpins, WeightedRuns } from "./weighted-runs.ts";

/** Frames that lose their last pin, and when. */
export class FrameDrops {
  readonly frames: FrameSet;
  readonly #steps: readonly number[];

  /** `pins` are those of the frames that lose any, when the script starts. */
  constructor(unpins: Unpins, pins: WeightedRuns) {
    const dropped = new RangeList();
    const steps: number[] = [];
    sweep(unpins, pins, new WeightedRuns(), (start, end, held, _, taking) => {
      if (taking.length === 0 || held > taking.length) return;
      const step = taking[Math.max(0, held - 1)]!;
      const last = steps.length - 1;
      if (last >= 0 && dropped.ends[last] === start && steps[last] === step) dropped.ends[last] = end;
      else {
        dropped.push(start, end);
        steps.push(step);
      }
    });
    this.frames = new FrameSet(dropped);
    this.#steps = steps;
  }

  /** Step that takes the last pin of the frames at a position of `frames`. */
  step(at: number): number {
    return this.#steps[at]!;
  }
}
