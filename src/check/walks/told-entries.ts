import type { Version } from "../entries/versions.ts";
import type { Spans } from "./facts.ts";
import type { Generations } from "./generations.ts";
import type { HeldTable } from "./held-table.ts";

/** A version that is no translation, and when it can be loaded. */
export interface LoadedFault {
  readonly version: Version;
  readonly alive: Spans;
}

/** All that one entry of an upper table lets walks learn, where that is links and absences. */
export interface ToldEntry {
  readonly state: HeldTable;
  readonly index: number;
  /** Generations for which it holds. */
  readonly cut: Generations;
  /** Versions that are present. */
  readonly present: number;
  readonly children: readonly HeldTable[];
  readonly faults: readonly LoadedFault[];
}

/** Tables of one level that may stand in one place, one after the other, before those told first are forgotten. */
const MAX_TOLD = 8;

/**
 * By level, the entries told last: pages of one table that are invalidated one by one ask for them again, and they tell them the same
 * as long as they have the same generations.
 */
export class ToldEntries {
  readonly #byLevel: ToldEntry[][] = [];
  #next = 0;

  note(level: number, told: ToldEntry): void {
    const all = (this.#byLevel[level] ??= []);
    all[all.length < MAX_TOLD ? all.length : this.#next++ % MAX_TOLD] = told;
  }

  /** What was told of an entry; null where that is not known, or other generations make a difference. */
  of(level: number, state: HeldTable, index: number, cut: Generations): ToldEntry | null {
    const all = this.#byLevel[level];
    if (all === undefined) return null;
    for (const told of all) if (told.state === state && told.index === index && told.cut === cut) return told;
    return null;
  }
}
