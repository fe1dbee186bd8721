import type { FaultFact, LeafFact } from "./facts.ts";
import type { StoredEntries } from "./stored-entries.ts";

/** What devices may come to know of one page, filled in again and again: for a judge that keeps nothing of it. */
export class PageFact implements LeafFact, FaultFact {
  start = 0;
  end = 0;
  frame = 0;
  rights = 0;
  attributes = 0;
  setsDirty = false;
  freedAt = 0;
  /** From its first position to its last; what lies between is not told. */
  readonly alive: [number, number] = [0, 0];
  drained = 0;
  isCurrent = false;
  above: readonly StoredEntries[] = [];
  table = 0;
  index = 0;
  readonly level = 0;
  at = 0;
  readonly span = 1;
  step = 0;
  until = 0;
}
