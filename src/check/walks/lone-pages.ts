import { CellTable } from "../entries/cells.ts";
import type { EntryReader } from "../entries/entry-reader.ts";
import { SingleWrites } from "../entries/single-writes.ts";
import type { PlainRules } from "../rules/plain-rules.ts";
import { NEVER } from "../script/positions.ts";
import type { Coverage } from "./coverage.ts";
import { type HeldTable, isEver } from "./held-table.ts";
import { PlainEntries } from "./plain-entries.ts";
import type { ReachContext } from "./reach-context.ts";
import type { RootVersion } from "./roots.ts";
import type { SteadyLinks } from "./steady-links.ts";
import type { TableCells } from "./table-cells.ts";

/**
 * Decides pages that invalidations tell apart from their neighbours by the entry that translates them, where nothing is wrong.
 *
 * Only below links to which nothing happens, on the way that was looked at last: walks of any time may hold the table there, so that
 * it makes no difference how invalidations cut time.
 */
export class LonePages {
  readonly #context: ReachContext;
  readonly #plain: PlainEntries;
  readonly #cells: TableCells;
  readonly #steady: SteadyLinks;
  readonly #before: EntryReader;
  /** Pages decided. */
  passed = 0;

  constructor(
    context: ReachContext,
    rules: PlainRules,
    cells: TableCells,
    steady: SteadyLinks,
    before: EntryReader,
  ) {
    this.#context = context;
    this.#plain = new PlainEntries(context, rules);
    this.#cells = cells;
    this.#steady = steady;
    this.#before = before;
  }

  /** True iff the page of a lone coverage is decided. `held`: the table of the context entry, which is the only one there is. */
  passes(lone: Coverage, root: RootVersion, held: HeldTable): boolean {
    const page = lone.start;
    if (!isEver(held) || (held.log?.freedAt ?? NEVER) !== NEVER) return false;
    const state = this.#steady.lowest(root, held, page, page + 1);
    if (state === null || !isEver(state)) return false;
    const writes = this.#cells.of(state.log!, 0);
    const index = page - this.#steady.base;
    if (writes instanceof CellTable && writes.cellAt(index) !== null) return false;
    this.#plain.enter(state, lone, writes instanceof SingleWrites ? writes : null, false);
    this.#before.read(state.table, state.log, index);
    if (!this.#plain.accepts(index, page, this.#before.lo, this.#before.hi, false, false)) return false;
    this.#context.visit(state.table, 0);
    this.passed++;
    return true;
  }
}
