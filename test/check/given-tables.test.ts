import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EntryReader, wordsBefore } from "../../src/check/entries/entry-reader.ts";
import { GivenTables, type TableRun } from "../../src/edit-script/index.ts";
import { pfn } from "../../src/units/index.ts";

const ENTRIES = 512;
const ROOT = pfn(7);
const UNKNOWN = pfn(99);
const MASK = (1n << 64n) - 1n;

const run = fc
  .record({
    table: fc.constantFrom(ROOT, pfn(20), pfn(21), pfn(22)),
    index: fc.oneof(fc.constantFrom(0, 511), fc.nat(511)),
    count: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 40 }), fc.constant(512)),
    first: fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: MASK })),
    stride: fc.constantFrom(0n, 0x1000n, 0xffff_f000n, MASK - 0xfffn),
  })
  .map((own) => ({ ...own, count: Math.min(own.count, ENTRIES - own.index) }));

/** What the runs say, entry by entry: a later one has the last word. */
function modelOf(runs: readonly TableRun[]) {
  const tables = new Map<number, bigint[]>([[ROOT, Array(ENTRIES).fill(0n)]]);
  for (const { table, index, count, first, stride } of runs) {
    const content = tables.get(table) ?? Array<bigint>(ENTRIES).fill(0n);
    for (let i = 0; i < count; i++) content[index + i] = (first + BigInt(i) * stride) & MASK;
    tables.set(table, content);
  }
  return tables;
}

const entryOf = ({ lo, hi }: { lo: number; hi: number }): bigint => (BigInt(hi) << 32n) | BigInt(lo);

describe("tables that lines give", () => {
  it("hold what the lines say and nothing else, however they are asked", () => {
    let holes = 0;
    fc.assert(
      fc.property(fc.array(run, { maxLength: 8 }), fc.nat(511), fc.nat(511), (runs, a, b) => {
        const model = modelOf(runs);
        const given = new GivenTables([ROOT], runs);
        const tables = {
          isTable: (table: number) => given.has(pfn(table)),
          entry: given.entry.bind(given),
          find: given.find.bind(given),
        };
        const reader = new EntryReader(tables);
        expect(given.has(UNKNOWN)).toBe(false);
        for (const table of [ROOT, pfn(20), pfn(21), pfn(22), UNKNOWN]) {
          const content = model.get(table) ?? Array<bigint>(ENTRIES).fill(0n);
          expect(given.has(table)).toBe(model.has(table));
          const words = wordsBefore(tables, table, ENTRIES)!;
          for (let index = 0; index < ENTRIES; index++) {
            reader.read(table, null, index);
            const read = entryOf(reader);
            const word = (BigInt(words[2 * index + 1]!) << 32n) | BigInt(words[2 * index]!);
            // To say so 512 times takes longer than to look.
            if (
              read !== content[index] ||
              word !== content[index] ||
              given.entry(table, index) !== content[index]
            )
              expect([index, read, word, given.entry(table, index)]).toEqual([
                index,
                ...Array(3).fill(content[index]),
              ]);
          }
          const held: bigint[] = [];
          given.each(table, (index, lo, hi) => {
            expect(entryOf({ lo, hi })).toBe(content[index]);
            held.push(entryOf({ lo, hi }));
          });
          expect(held).toEqual(content.filter((entry) => entry !== 0n));
          const [from, to] = [Math.min(a, b), Math.max(a, b)];
          const next = content.findIndex((entry, i) => i >= from && entry !== 0n);
          const isHeld = next >= 0 && next < to;
          expect(reader.firstHeld(table, null, from, to)).toBe(isHeld ? next : to);
          if (isHeld && next > from) holes++;
        }
      }),
      { seed: 1, numRuns: 300 },
    );
    expect(holes).toBeGreaterThan(50);
  });
});
