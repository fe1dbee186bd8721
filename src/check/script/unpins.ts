import { placeOf } from "./positions.ts";

/** Runs of frames that lose a pin, in the order of the script. */
export class Unpins {
  readonly starts: Float64Array;
  readonly ends: Float64Array;
  readonly steps: Int32Array;
  #length = 0;

  /** Room for `length` runs, which all have to be pushed. */
  constructor(length: number) {
    this.starts = new Float64Array(length);
    this.ends = new Float64Array(length);
    this.steps = new Int32Array(length);
  }

  /** True iff a step takes a pin of a frame. */
  has(step: number, frame: number): boolean {
    const { steps, starts, ends } = this;
    for (let i = placeOf(steps, step); i < steps.length && steps[i] === step; i++)
      if (starts[i]! <= frame && frame < ends[i]!) return true;
    return false;
  }

  push(step: number, start: number, end: number): void {
    const at = this.#length++;
    this.starts[at] = start;
    this.ends[at] = end;
    this.steps[at] = step;
  }
}
