import { entryOf, indexOf, isLeafAt, type MapRun, pfnOf, rightsOf, spanOf } from "./tables-script.ts";

/** Tables as a driver knows them: what it has written, and what that says. */
export interface Slot {
  readonly table: number;
  readonly index: number;
  readonly entry: number;
  readonly level: number;
}

interface Root {
  readonly root: number;
  readonly levels: number;
}

export class TableModel {
  readonly tables = new Map<number, Map<number, number>>();

  held(table: number, index: number): number {
    return this.tables.get(table)?.get(index) ?? 0;
  }
  put(table: number, index: number, entry: number): void {
    const entries = this.tables.get(table);
    if (entries === undefined) this.tables.set(table, new Map([[index, entry]]));
    else entries.set(index, entry);
  }

  /** Slots on the way to a page, from the root; the last is no link. */
  way({ root, levels }: Root, page: number): Slot[] {
    const way: Slot[] = [];
    let table = root;
    for (let level = levels - 1; ; level--) {
      const index = indexOf(page, level);
      const entry = this.held(table, index);
      way.push({ table, index, entry, level });
      if (rightsOf(entry) === 0 || isLeafAt(entry, level)) return way;
      table = pfnOf(entry);
    }
  }

  reached(roots: readonly Root[]): Set<number> {
    const met = new Set<number>();
    const visit = (table: number, level: number): void => {
      met.add(table);
      for (const entry of this.tables.get(table)?.values() ?? [])
        if (rightsOf(entry) !== 0 && !isLeafAt(entry, level)) visit(pfnOf(entry), level - 1);
    };
    for (const { root, levels } of roots) visit(root, levels - 1);
    return met;
  }

  /** The map that the tables make, in runs. */
  map({ root, levels }: Root): MapRun[] {
    const runs: MapRun[] = [];
    const visit = (table: number, level: number, start: number, rights: number): void => {
      for (const [index, entry] of [...(this.tables.get(table) ?? [])].sort(([a], [b]) => a - b)) {
        const page = start + index * spanOf(level);
        const both = rights & rightsOf(entry);
        if (both === 0) continue;
        if (isLeafAt(entry, level)) add({ page, pages: spanOf(level), frame: pfnOf(entry), rights: both });
        else visit(pfnOf(entry), level - 1, page, both);
      }
    };
    const add = (run: MapRun): void => {
      const last = runs.at(-1);
      const continues =
        last !== undefined &&
        last.page + last.pages === run.page &&
        last.frame + last.pages === run.frame &&
        last.rights === run.rights;
      if (continues) runs[runs.length - 1] = { ...last, pages: last.pages + run.pages };
      else runs.push(run);
    };
    visit(root, levels - 1, 0, 3);
    return runs;
  }

  given(): { table: number; index: number; entry: number }[] {
    return [...this.tables].flatMap(([table, entries]) =>
      [...entries].map(([index, entry]) => ({ table, index, entry })),
    );
  }
}

/** The leaves of a table that splits a large one. */
export const splitLeaves = (entry: number): Map<number, number> =>
  new Map(Array.from({ length: 512 }, (_, i) => [i, entryOf(pfnOf(entry) + i, rightsOf(entry))] as const));
