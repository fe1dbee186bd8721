import type { Ranges } from "../lists/ranges.ts";
import type { Coverage } from "./coverage.ts";
import type { HeldTable } from "./held-table.ts";

/** Entries with one history in a held table, and the ranges [from, to) of interest that touch them. */
export interface Slot {
  readonly state: HeldTable;
  readonly level: number;
  readonly index: number;
  readonly count: number;
  /** First page, and pages of one entry. */
  readonly start: number;
  readonly span: number;
  readonly coverage: Coverage;
  /** Pages of interest inside the coverage. */
  readonly ranges: Ranges;
  readonly from: number;
  readonly to: number;
}

/** Where an entry stands. */
export type Place = Pick<Slot, "state" | "level" | "start">;
