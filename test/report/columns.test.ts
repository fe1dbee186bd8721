import { describe, expect, it } from "vitest";
import { interleavingTable, type ShownEvent } from "../../src/report/index.ts";

const events = (line: number): ShownEvent[] => [
  { who: "kernel", step: 1, line, text: "store 0x1000[0] = 0x2003" },
  {
    who: "device",
    step: 1,
    text: "loads level 0 of a table with a long name, and more than one line of words",
  },
  { who: "caches", step: 1, text: "IOTLB keeps the leaf" },
];
const bars = (line: string): number[] => [...line.matchAll(/\|/g)].map((match) => match.index);

describe("an interleaving in columns", () => {
  it.each([7, 99_999, 1_229_406])("lines up below its head and fits, also with line %i", (line) => {
    const table = interleavingTable(events(line), 90);
    expect(table[2]).toContain(String(line));
    for (const row of table) {
      expect(row.length).toBeLessThanOrEqual(90);
      expect(bars(table[0]!).slice(0, bars(row).length)).toEqual(bars(row));
    }
    expect(table.length).toBeGreaterThan(5);
  });
});
