import type { CellTable } from "../entries/cells.ts";
import { ABSENT } from "../entries/entry-kind.ts";
import type { EntryReader } from "../entries/entry-reader.ts";
import type { SingleWrites } from "../entries/single-writes.ts";
import type { PlainRules } from "../rules/plain-rules.ts";
import { NEVER } from "../script/positions.ts";
import type { Coverage } from "./coverage.ts";
import type { HeldTable } from "./held-table.ts";
import { Lifetime } from "./lifetime.ts";
import type { ReachContext } from "./reach-context.ts";

/**
 * Passes over entries that are absent throughout, where that breaks no rule: a table that is new, or nearly empty, has hundreds of them.
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
    cells: CellTable | SingleWrites | null,
  ): number {
    const { geometry, capability } = this.#context;
    const span = geometry.span(level);
    const last = Math.min(geometry.entries, Math.floor((end - base) / span));
    const freedAt = state.log?.freedAt ?? NEVER;
    let at = index;
    // In growing steps: where one of them breaks a rule, few are looked at for nothing.
    for (let page = start, step = 1; at < last; step *= 8) {
      const stop = this.#absentUntil(state, level, at, Math.min(last, at + step), cells);
      if (stop === at) break;
      if (at === index) this.#life.set(coverage, state, 0, freedAt, capability.cachesNotPresent);
      const next = base + stop * span;
      const { isReachable, isLastingAbsence } = this.#life;
      if (!isReachable || this.#rules.isFineAbsence(page, next, isLastingAbsence)) [at, page] = [stop, next];
      else if (step === 1) break;
      else step = 1 / 8;
    }
    return at - index;
  }

  /** The first entry from `at` on that is not absent throughout, `last` where none is. What held nothing was absent. */
  #absentUntil(
    { table, log }: HeldTable,
    level: number,
    at: number,
    last: number,
    cells: CellTable | SingleWrites | null,
  ): number {
    const { decoder } = this.#context;
    const before = this.#before;
    const end = cells === null ? last : cells.unwrittenUntil(at, last);
    for (let next = at; ; next++) {
      next = before.firstHeld(table, log, next, end);
      if (next >= end) return end;
      before.read(table, log, next);
      if (decoder.kind(level, before.lo, before.hi) !== ABSENT) return next;
    }
  }
}
