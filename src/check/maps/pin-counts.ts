import { NumberList } from "../lists/number-list.ts";
import { RangeList, type Ranges } from "../lists/ranges.ts";
import type { Unpins } from "../script/unpins.ts";
import type { FrameDrops } from "./frame-drops.ts";
import { extentOf, type FrameExtent, FrameSet } from "./frame-set.ts";
import { type JointMap, NOTHING } from "./joint-map.ts";
import type { MapSide } from "./map-reader.ts";
import type { WeightedRuns } from "./weighted-runs.ts";

/**
 * Pins of frames that lie close together, counted frame by frame while a script takes them: scattered memory has a run for
 * every frame, and to sort millions of those costs more than to count them.
 */
export class PinCounts implements FrameDrops {
  readonly #extent: FrameExtent;
  readonly #counts: Int32Array;
  /** Step that takes the last pin of a frame, 0 where none does. */
  readonly #dropped: Int32Array;
  #asRanges: { readonly frames: FrameSet; readonly steps: Float64Array } | null = null;

  private constructor(extent: FrameExtent) {
    this.#extent = extent;
    this.#counts = new Int32Array(extent.frames);
    this.#dropped = new Int32Array(extent.frames);
  }

  /** Counters, all 0, for what lies between the first and the last frame of some runs; null where they lie too far apart. */
  static within(...lists: readonly Ranges[]): PinCounts | null {
    const extent = extentOf(lists);
    return extent.isClose ? new PinCounts(extent) : null;
  }

  /** Counts the frames [start, end); those that have no counter are left out. */
  add(start: number, end: number, weight: number): void {
    const { first, frames } = this.#extent;
    const last = Math.min(end - first, frames);
    for (let at = Math.max(0, start - first); at < last; at++) this.#counts[at]! += weight;
  }

  /** Counts the frames that a map gives to pages, or to those that change. */
  addPages(maps: JointMap, side: MapSide, weight: number, onlyChanged: boolean): void {
    const { first, frames: room } = this.#extent;
    const counts = this.#counts;
    const { length, starts } = maps;
    const frames = side === "old" ? maps.oldFrames : maps.newFrames;
    for (let piece = 0; piece + 1 < length; piece++) {
      const frame = frames[piece]!;
      if (frame <= NOTHING || (onlyChanged && !maps.isChanged(piece))) continue;
      const from = Math.max(0, frame - first);
      const to = Math.min(room, frame - first + starts[piece + 1]! - starts[piece]!);
      for (let at = from; at < to; at++) counts[at]! += weight;
    }
  }

  addAll({ starts, ends, weights }: WeightedRuns): void {
    for (let i = 0; i < starts.length; i++) this.add(starts[i]!, ends[i]!, weights[i]!);
  }

  /** Counts what a script takes, in its order, and notes down who loses the last pin. Pre: it has counters for all of it. */
  take({ starts, ends, steps }: Unpins): void {
    const counts = this.#counts;
    const dropped = this.#dropped;
    const { first } = this.#extent;
    for (let i = 0; i < starts.length; i++)
      for (let at = starts[i]! - first; at < ends[i]! - first; at++)
        if (--counts[at]! <= 0 && dropped[at] === 0) dropped[at] = steps[i]!;
  }

  get isZero(): boolean {
    const counts = this.#counts;
    for (let at = 0; at < counts.length; at++) if (counts[at] !== 0) return false;
    return true;
  }

  stepOf(frame: number): number {
    const { first, frames } = this.#extent;
    const at = frame - first;
    return at >= 0 && at < frames ? this.#dropped[at]! : 0;
  }

  get frames(): FrameSet {
    return this.#ranges.frames;
  }
  get steps(): Float64Array {
    return this.#ranges.steps;
  }

  /** The same as ranges, for readers of frames that lie side by side. */
  get #ranges(): { readonly frames: FrameSet; readonly steps: Float64Array } {
    if (this.#asRanges !== null) return this.#asRanges;
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
    return (this.#asRanges = { frames: FrameSet.of(frames.ranges()), steps: steps.values });
  }
}
