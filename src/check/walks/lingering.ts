import { NEVER } from "../script/positions.ts";
import type { ScriptLog } from "../script/script-log.ts";
import type { Stops } from "../script/stops.ts";

const NONE: readonly number[] = [];

/**
 * Notes whether it can matter that what an entry held stays readable until it is pushed out.
 *
 * It cannot where nothing but stores and cleans lies between the store that overwrites it and what pushes it out, none of the
 * stores to another entry that the same walk loads: whatever the walk loads late it could have loaded before the store, with all
 * else the same. Then weak and strong memory order show the same violations.
 */
export class Lingering {
  /** The steps that neither store nor clean. */
  readonly #stops: Stops;
  isDecisive = false;

  constructor(log: ScriptLog) {
    this.#stops = log.stops;
  }

  /**
   * Notes a value that is overwritten at step `until` and readable until `readableUntil`, in a table that walks may hold from
   * position `heldFrom` on. `above` are the stops up to which entries linger that walks load on the way to it.
   */
  note(until: number, readableUntil: number, heldFrom: number, above: readonly number[]): void {
    if (readableUntil === until || heldFrom >= readableUntil || this.isDecisive) return;
    const stop = this.#stops.behind(until);
    if (readableUntil === NEVER || readableUntil > stop || above.includes(stop)) this.isDecisive = true;
  }

  /** The stops up to which values of an entry linger, with those above it. */
  below(
    above: readonly number[],
    history: readonly { readonly until: number; readonly readableUntil: number }[],
  ): readonly number[] {
    let all: number[] | null = null;
    for (const { until, readableUntil } of history)
      if (readableUntil !== until) (all ??= [...above]).push(this.#stops.behind(until));
    return all ?? (above.length === 0 ? NONE : above);
  }
}
