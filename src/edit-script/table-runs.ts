import type { Pfn } from "../units/index.ts";
import type { TableRun } from "./text.ts";

const ENTRIES = 512;

/** The entries of a table as runs of equal stride, zeros left out; an empty table is one run, so that it is known as one. */
export function tableRuns(table: Pfn, entryAt: (index: number) => bigint): TableRun[] {
  const runs: TableRun[] = [];
  for (let index = 0; index < ENTRIES; ) {
    const first = entryAt(index);
    if (first === 0n) {
      index++;
      continue;
    }
    const next = index + 1 < ENTRIES ? entryAt(index + 1) : 0n;
    const stride = next > first ? next - first : 0n;
    let count = 1;
    if (stride > 0n)
      for (let expected = next; index + count < ENTRIES && entryAt(index + count) === expected; count++)
        expected += stride;
    runs.push({ table, index, count, first, stride: count > 1 ? stride : 0n });
    index += count;
  }
  return runs.length > 0 ? runs : [{ table, index: 0, count: 1, first: 0n, stride: 0n }];
}
