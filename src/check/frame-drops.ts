import { FrameSet } from "./frame-set.ts";
import { NumberList } from "./number-list.ts";
import { NEVER } from "./positions.ts";
import { RangeList, type Ranges } from "./ranges.ts";
import { sweep, type Unpins, WeightedRuns } from "./weighted-runs.ts";

/** Frames that lose their last pin, ascending, and the step of each range that takes it. */
export interface FrameDrops {
  readonly frames: Ranges;
  readonly steps: ArrayLike<number>;
}

/** Finds them by going through the frames in ascending order. `pins` are those when the script starts. */
export function sortedDrops(unpins: Unpins, pins: WeightedRuns): FrameDrops {
  const dropped = new RangeList();
  const steps = new NumberList();
  let reached = -1;
  sweep(unpins, pins, new WeightedRuns(), (start, end, held, _, taking) => {
    if (taking.length === 0 || held > taking.length) return;
    const step = taking[Math.max(0, held - 1)]!;
    if (reached === start && steps.last === step) dropped.extend(end);
    else {
      dropped.push(start, end);
      steps.push(step);
    }
    reached = end;
  });
  return { frames: dropped.ranges(), steps: steps.values };
}

/**
 * Frames that lose pins. Which of them lose the last one, and when, is found out when somebody meets one of them after the
 * first unpin: where all is right nobody does.
 */
export class UnpinnedFrames {
  readonly frames: FrameSet;
  readonly #first: number;
  readonly #findDrops: () => FrameDrops;
  #dropped: FrameSet | null = null;
  #steps: ArrayLike<number> = [];

  constructor(unpins: Unpins, findDrops: (frames: FrameSet) => FrameDrops) {
    this.frames = FrameSet.union(unpins);
    this.#findDrops = () => findDrops(this.frames);
    this.#first = unpins.steps[0] ?? NEVER;
  }

  /** Frames that lose their last pin. */
  get dropped(): FrameSet {
    if (this.#dropped === null) {
      const { frames, steps } = this.#findDrops();
      this.#dropped = new FrameSet(frames);
      this.#steps = steps;
    }
    return this.#dropped;
  }

  /** Step that takes the last pin of the frames at a position of `dropped`. Pre: that was asked for. */
  step(at: number): number {
    return this.#steps[at]!;
  }

  /** True iff what is under way until position `drained` can meet one of the frames [start, end) without a pin. */
  canMiss(start: number, end: number, drained: number): boolean {
    return drained > this.#first && (this.#dropped ?? this.frames).touches(start, end);
  }
}
