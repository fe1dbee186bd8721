import type { Geometry } from "../entries/geometry.ts";
import { firstAtLeast } from "../lists/ascending.ts";
import { NEVER } from "../script/positions.ts";
import type { LocatedTable } from "./interest.ts";

/** The tables that a script writes or frees, but for roots, in the order of their pages: one that it only collects from stays as it is. */
export class ChangedTables {
  readonly #geometry: Geometry;
  readonly #tables: readonly LocatedTable[];
  /** First page of each. */
  readonly #bases: Float64Array;
  /** The first that begins no earlier than the pages asked for last. */
  #at = 0;

  constructor(located: readonly LocatedTable[], geometry: Geometry) {
    this.#geometry = geometry;
    const tables = located.filter(
      ({ parent, log }) => parent !== null && (log.isWritten || log.freedAt < NEVER),
    );
    if (tables.some(({ base }, i) => i > 0 && tables[i - 1]!.base > base))
      tables.sort((a, b) => a.base - b.base);
    this.#tables = tables;
    this.#bases = Float64Array.from(tables, ({ base }) => base);
  }

  /**
   * Until when the pages are as they were: NEVER where the script leaves all tables in them alone, 0 where it writes one,
   * else the step that frees the first.
   */
  untouchedUntil(start: number, end: number): number {
    const bases = this.#bases;
    let until = NEVER;
    for (let at = this.#firstFrom(start); until > 0 && at < bases.length && bases[at]! < end; at++) {
      const { log, level, base } = this.#tables[at]!;
      if (base + this.#geometry.tableSpan(level) > end) continue;
      until = Math.min(until, log.isWritten ? 0 : log.freedAt);
    }
    return until;
  }

  /** The first table that does not begin before a page: mostly the one behind the last. */
  #firstFrom(start: number): number {
    const bases = this.#bases;
    for (let at = this.#at, tries = 0; tries < 4 && at <= bases.length; at++, tries++)
      if ((at === bases.length || bases[at]! >= start) && (at === 0 || bases[at - 1]! < start))
        return (this.#at = at);
    return (this.#at = firstAtLeast(bases, start));
  }
}
