import type { Pfn } from "../units/index.ts";
import type { TableRun } from "./text.ts";
import type { TextLine } from "./text-line.ts";

/** What the `freed` lines of a file say: pages that were tables, and hold none when the first step runs. */
export class FreedText {
  readonly tables: Pfn[] = [];
  readonly #lines = new Map<Pfn, number>();

  read(at: TextLine, line: number): void {
    const table = at.tableAddress(at.only("a table address"));
    this.tables.push(table);
    this.#lines.set(table, line);
  }

  /** Fails where a page is said to hold a table all the same. Pre: all lines have been read. */
  check(
    roots: readonly Pfn[],
    runs: readonly TableRun[],
    fail: (reason: string, line?: number) => never,
  ): void {
    if (this.tables.length === 0) return;
    for (const root of roots) this.#deny(root, "a domain has its root there", fail);
    for (const { table } of runs) this.#deny(table, "a table line gives it entries", fail);
  }

  #deny(table: Pfn, why: string, fail: (reason: string, line?: number) => never): void {
    const line = this.#lines.get(table);
    if (line !== undefined) fail(`the page is said to be freed, but ${why}`, line);
  }
}
