import type { CallKind } from "./fuzz-case.ts";
import type { Shape } from "./shapes.ts";

/** Calls that failed with one errno. */
export interface FailedCalls {
  readonly call: CallKind;
  /** Its name. */
  readonly errno: string;
  count: number;
  /** Those that had run edit scripts by then, which were decided. */
  withScripts: number;
}

/** What cases did, summed. */
export class FuzzTotals {
  runs = 0;
  ioctls = 0;
  scripts = 0;
  stores = 0;
  classes = 0;
  schedules = 0;
  readonly shapes = new Map<Shape, number>();
  readonly failedSites = new Map<string, number>();
  readonly failedCalls = new Map<string, FailedCalls>();

  count(shape: Shape): void {
    this.shapes.set(shape, (this.shapes.get(shape) ?? 0) + 1);
  }

  countFailure(call: CallKind, errno: string, hasScripts: boolean): void {
    const key = `${call} ${errno}`;
    let failed = this.failedCalls.get(key);
    if (failed === undefined) this.failedCalls.set(key, (failed = { call, errno, count: 0, withScripts: 0 }));
    failed.count++;
    if (hasScripts) failed.withScripts++;
  }
}
