import { NumberList } from "../lists/number-list.ts";
import { RangeList } from "../lists/ranges.ts";
import { NEVER } from "../script/positions.ts";
import type { Unpins } from "../script/unpins.ts";
import { FrameSet } from "./frame-set.ts";
import type { JointMap } from "./joint-map.ts";
import { PieceDrops } from "./piece-drops.ts";
import { sweep, WeightedRuns } from "./weighted-runs.ts";

/** Of the pieces of two maps, the share that has to be asked for before all are looked up. */
const FEW = 4;

/** Frames that lose their last pin. */
export interface FrameDrops {
  readonly frames: FrameSet;
  /** The step of each range of them that takes it. */
  readonly steps: Float64Array;
  /** The step that takes the last pin of a frame, 0 where none does. */
  stepOf(frame: number): number;
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
  const frames = FrameSet.of(dropped.ranges());
  const stepOf = (frame: number): number => {
    const at = frames.firstEndingAfter(frame);
    return at < frames.starts.length && frames.starts[at]! <= frame ? steps.values[at]! : 0;
  };
  return { frames, steps: steps.values, stepOf };
}

/**
 * Frames that lose pins. Which of them lose the last one, and when, is found out when somebody meets one of them after the
 * first unpin: where all is right nobody does.
 */
export class UnpinnedFrames {
  readonly frames: FrameSet;
  readonly #first: number;
  readonly #findDrops: () => FrameDrops;
  #drops: FrameDrops | null = null;
  #pieces: PieceDrops | null = null;
  /** How often maps were asked of without them. */
  #asked = 0;

  constructor(unpins: Unpins, findDrops: (frames: FrameSet) => FrameDrops) {
    this.frames = FrameSet.union(unpins);
    this.#findDrops = () => findDrops(this.frames);
    this.#first = unpins.steps[0] ?? NEVER;
  }

  get #found(): FrameDrops {
    return (this.#drops ??= this.#findDrops());
  }

  /** Frames that lose their last pin. */
  get dropped(): FrameSet {
    return this.#found.frames;
  }

  /** Step that takes the last pin of the frames at a position of `dropped`. */
  step(at: number): number {
    return this.#found.steps[at]!;
  }

  /** Step that takes the last pin of a frame, 0 where none does. */
  stepOf(frame: number): number {
    return this.#found.stepOf(frame);
  }

  /** True iff what is under way until position `drained` can meet one of the frames [start, end) without a pin. */
  canMiss(start: number, end: number, drained: number): boolean {
    if (drained <= this.#first) return false;
    if (this.#drops === null) return this.frames.touches(start, end);
    if (end - start > 1) return this.#drops.frames.touches(start, end);
    const step = this.#drops.stepOf(start);
    return step !== 0 && step < drained;
  }

  /** The same of the frame that one of two maps gives to a page, which lies in a piece of theirs. */
  canMissIn(maps: JointMap, piece: number, isNew: boolean, frame: number, drained: number): boolean {
    if (drained <= this.#first) return false;
    if (this.#drops === null) return this.frames.touches(frame, frame + 1);
    let step = this.#piecesOf(maps, this.#drops)?.stepIn(piece, isNew) ?? -1;
    if (step < 0) step = this.#drops.stepOf(frame);
    return step !== 0 && step < drained;
  }

  #piecesOf(maps: JointMap, drops: FrameDrops): PieceDrops | null {
    if (this.#pieces?.maps === maps) return this.#pieces;
    if (++this.#asked * FEW < maps.length) return null;
    this.#asked = 0;
    return (this.#pieces = new PieceDrops(maps, drops));
  }
}
