import type { CellTable } from "./cells.ts";
import type { Coverage } from "./coverage.ts";
import { ABSENT } from "./entry-kind.ts";
import type { EntryReader } from "./entry-reader.ts";
import type { HeldTable } from "./held-table.ts";
import { Lifetime } from "./lifetime.ts";
import type { PlainRules } from "./plain-rules.ts";
import { NEVER } from "./positions.ts";
import type { ReachContext } from "./walk-reach.ts";

/**
 * Passes over entries of upper tables that are absent throughout, where that breaks no rule: a table that is new, or nearly empty, has
 * hundreds of them.
 */
export class AbsentEntries {
  readonly #context: ReachContext;
  readonly #rules: PlainRules;
  readonly #before: EntryReader;
  readonly #life = new Lifetime();

  constructor(context: ReachContext, rules: PlainRules, before: EntryReader) {
    this.#context = context;
    this.#rules = rules;
    this.#before = before;
  }

  /**
   * How many entries from `index` on are passed over: none of them is written, or reaches behind page `end`. `start` is the first page
   * of theirs that is looked at.
   */
  passed(
    state: HeldTable,
    level: number,
    base: number,
    index: number,
    start: number,
    end: number,
    coverage: Coverage,
    cells: CellTable | null,
  ): number {
    const { decoder, geometry, capability } = this.#context;
    const span = geometry.span(level);
    const { log } = state;
    const before = this.#before;
    let at = index;
    for (let page = start; base + (at + 1) * span <= end && at < geometry.entries; at++) {
      if (cells !== null && cells.cellAt(at) !== null) break;
      before.read(state.table, log, at);
      if (decoder.kind(level, before.lo, before.hi) !== ABSENT) break;
      if (at === index)
        this.#life.set(coverage, state, 0, log?.freedAt ?? NEVER, capability.cachesNotPresent);
      const next = base + (at + 1) * span;
      if (this.#life.isReachable && !this.#rules.isFineAbsence(page, next, this.#life.isLastingAbsence))
        break;
      page = next;
    }
    return at - index;
  }
}
