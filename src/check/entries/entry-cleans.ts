import { ByEntry } from "../lists/by-entry.ts";
import { NEVER } from "../script/positions.ts";
import type { TableLog } from "../script/table-log.ts";

/** Fewer are gone through. */
const FEW = 16;

/** The cleans of one life of a table, entry by entry: a recorder may list one for each store. */
export class EntryCleans {
  readonly log: TableLog;
  readonly #byEntry: ByEntry | null;

  constructor(log: TableLog) {
    this.log = log;
    const { cleans } = log;
    const entries = cleans.reduce((most, { index, count }) => Math.max(most, index + count), 0);
    this.#byEntry =
      cleans.length < FEW
        ? null
        : new ByEntry(
            entries,
            cleans.length,
            (k) => cleans[k]!.index,
            (k) => cleans[k]!.count,
          );
  }

  /** The first step after another that cleans an entry, or NEVER. */
  after(index: number, step: number): number {
    const { cleans } = this.log;
    const byEntry = this.#byEntry;
    if (byEntry === null) {
      for (const clean of cleans)
        if (clean.step > step && clean.index <= index && index < clean.index + clean.count) return clean.step;
      return NEVER;
    }
    for (let place = byEntry.begin(index); place < byEntry.begin(index + 1); place++) {
      const clean = cleans[byEntry.position(place)]!;
      if (clean.step > step) return clean.step;
    }
    return NEVER;
  }
}
