import type { Pfn } from "../src/units/index.ts";

/* What passes between the threads row and its walker. */

/** Words of the control array. */
export const RUNNING = 0;
export const STOP = 1;

export interface WalkThreadData {
  readonly module: object;
  readonly memory: { readonly buffer: SharedArrayBuffer };
  readonly control: Int32Array<SharedArrayBuffer>;
}

export interface WalkTask {
  readonly root: Pfn;
  readonly pages: number;
  readonly seed: number;
}

export interface WalkTotals {
  readonly walks: number;
  readonly wrong: number;
  readonly ns: number;
}
