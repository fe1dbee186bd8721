import { firstAtOrAfter, NEVER } from "./positions.ts";
import type { ScriptLog } from "./script-log.ts";

const NONE: readonly number[] = [];

/**
 * Notes whether it can matter that what an entry held stays readable until the next barrier.
 *
 * It cannot where nothing but stores lies between the store that overwrites it and the barrier, none of them to another entry
 * that the same walk loads: whatever the walk loads late it could have loaded before the store, with all else the same.
 * Then weak and strong memory order show the same violations.
 */
export class Lingering {
  readonly #log: ScriptLog;
  /** What was noted last: positions between two barriers. */
  #from = 1;
  #barrier = 0;
  isDecisive = false;

  constructor(log: ScriptLog) {
    this.#log = log;
  }

  /**
   * Notes a value that is overwritten at step `until` and readable until `readableUntil`, in a table that walks may hold from
   * position `heldFrom` on. `above` are the barriers until which entries linger that walks load on the way to it.
   */
  note(until: number, readableUntil: number, heldFrom: number, above: readonly number[]): void {
    if (readableUntil === until || heldFrom >= readableUntil || this.isDecisive) return;
    if (above.includes(readableUntil)) this.isDecisive = true;
    if (until >= this.#from && readableUntil === this.#barrier) return;
    if (readableUntil === NEVER || firstAtOrAfter(this.#log.pauses, until + 1) !== readableUntil)
      this.isDecisive = true;
    [this.#from, this.#barrier] = [until, readableUntil];
  }

  /** The barriers until which values of an entry linger, with those above it. */
  static below(
    above: readonly number[],
    history: readonly { readonly until: number; readonly readableUntil: number }[],
  ): readonly number[] {
    let all: number[] | null = null;
    for (const { until, readableUntil } of history)
      if (readableUntil !== until) (all ??= [...above]).push(readableUntil);
    return all ?? (above.length === 0 ? NONE : above);
  }
}
