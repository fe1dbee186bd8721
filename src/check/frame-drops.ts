import { FrameSet } from "./frame-set.ts";
import { NumberList } from "./number-list.ts";
import { NEVER } from "./positions.ts";
import { RangeList } from "./ranges.ts";
import { sweep, type Unpins, WeightedRuns } from "./weighted-runs.ts";

/** Frames that lose their last pin, and when. */
export class FrameDrops {
  readonly frames: FrameSet;
  readonly #steps: ArrayLike<number>;

  /** `pins` are those of the frames that lose any, when the script starts. */
  constructor(unpins: Unpins, pins: WeightedRuns) {
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
    this.frames = new FrameSet(dropped.ranges());
    this.#steps = steps.values;
  }

  /** Step that takes the last pin of the frames at a position of `frames`. */
  step(at: number): number {
    return this.#steps[at]!;
  }
}

/**
 * Frames that lose pins. Which of them lose the last one, and when, is found out when somebody meets one of them after the
 * first unpin: where all is right nobody does.
 */
export class UnpinnedFrames {
  readonly frames: FrameSet;
  readonly #unpins: Unpins;
  readonly #pinsOf: (frames: FrameSet) => WeightedRuns;
  readonly #first: number;
  #drops: FrameDrops | null = null;

  /** `pinsOf` tells the pins of these frames when the script starts. */
  constructor(unpins: Unpins, pinsOf: (frames: FrameSet) => WeightedRuns) {
    this.frames = new FrameSet(unpins.frames());
    this.#unpins = unpins;
    this.#pinsOf = pinsOf;
    this.#first = unpins.steps[0] ?? NEVER;
  }

  get drops(): FrameDrops {
    this.#drops ??= new FrameDrops(this.#unpins, this.#pinsOf(this.frames));
    return this.#drops;
  }

  /** True iff what is under way until position `drained` can meet one of the frames [start, end) without a pin. */
  canMiss(start: number, end: number, drained: number): boolean {
    return drained > this.#first && this.frames.touches(start, end);
  }
}
