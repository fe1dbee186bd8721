/** Runs of frames that lose a pin, in the order of the script. */
export class Unpins {
  readonly starts: Float64Array;
  readonly ends: Float64Array;
  readonly steps: Uint32Array;
  #length = 0;

  /** Room for `length` runs, which all have to be pushed. */
  constructor(length: number) {
    this.starts = new Float64Array(length);
    this.ends = new Float64Array(length);
    this.steps = new Uint32Array(length);
  }

  push(step: number, start: number, end: number): void {
    const at = this.#length++;
    this.starts[at] = start;
    this.ends[at] = end;
    this.steps[at] = step;
  }
}
