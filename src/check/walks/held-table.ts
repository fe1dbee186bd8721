import { NEVER } from "../script/positions.ts";
import type { StoredEntries } from "../script/stored-entries.ts";
import type { TableLog } from "../script/table-log.ts";
import type { Coverage } from "./coverage.ts";
import type { RootVersion } from "./roots.ts";

/**
 * "A walk may hold this table": the earliest position by generation, NEVER where it cannot; null where that is the begin of each
 * generation, whatever generations there are: pages whose invalidations stop walks have generations of their own.
 */
export interface HeldTable {
  readonly table: number;
  readonly log: TableLog | null;
  /** Rights left after those of the entries that led here. */
  readonly rights: number;
  readonly earliest: Int32Array | null;
  /**
   * First position at which it hangs where it does, whatever rights lead to it: what was overwritten in it before nobody could read
   * here in time.
   */
  readonly linkedSince: number;
  /** The least of them, once it was asked for by `heldFrom`. */
  least: number | null;
  /** The final tables lead here. */
  isCurrent: boolean;
  /** Reached as it was before the script, so that it says what the old map says. */
  isPristine: boolean;
  /** Steps that store the link and overwrite it. */
  readonly step: number;
  readonly until: number;
  /** Barriers until which entries on the way here linger. */
  readonly lingers: readonly number[];
  /** Entries on the way here that were read as the script has stored them. */
  readonly stored: readonly StoredEntries[];
}

/** The earliest position by generation, with or without another element behind the last. */
export const earliestIn = ({ earliest }: HeldTable, { begins }: Coverage): Int32Array => earliest ?? begins;

/** First position at which some walk may hold a table. Pre: its positions are complete. */
export function heldFrom(state: HeldTable): number {
  if (state.least !== null) return state.least;
  const { earliest } = state;
  if (earliest === null) return (state.least = 0);
  let least = NEVER;
  for (let g = 0; g < earliest.length; g++) if (earliest[g]! < least) least = earliest[g]!;
  state.least = least;
  return least;
}

/** When walks of each generation may hold the table of a context entry first. */
export function heldSince(root: RootVersion, { begins, generations }: Coverage): Int32Array {
  const earliest = new Int32Array(generations).fill(NEVER);
  for (let g = 0; g < generations; g++) {
    const at = Math.max(begins[g]!, root.step);
    if (at < Math.min(root.beginsUntil, begins[g + 1]!)) earliest[g] = at;
  }
  return earliest;
}
