/** Neighbouring entries of one table, and the step of the script that stored what was read from them; 0 for none. */
export interface StoredEntries {
  readonly table: number;
  readonly first: number;
  readonly count: number;
  readonly step: number;
}

/**
 * True iff whoever has read `newer` can no longer read `older`: both are the same entry, and loads of one entry never go back
 * to an earlier value, on no host. Of several entries, some pair is always of two different ones.
 */
export const rulesOut = (newer: StoredEntries, older: StoredEntries): boolean =>
  newer.table === older.table &&
  newer.first === older.first &&
  newer.count === 1 &&
  older.count === 1 &&
  newer.step > older.step;
