import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CallContents, GivenTables } from "../../src/edit-script/index.ts";
import { FREED, TableStore } from "../../src/edit-script/table-store.ts";
import type { Pfn } from "../../src/units/index.ts";

const TABLES = 4;
const ENTRIES = 512;

/** Tables that a call writes, or gives back. */
const call = fc.array(fc.record({ table: fc.nat(TABLES - 1), isFreed: fc.boolean() }), { maxLength: 4 });

/** What a line gives: an entry of a table that calls may write later, or never. */
const line = fc.record({ table: fc.nat(TABLES - 1), index: fc.nat(ENTRIES - 1) });

/** Entries that hold something, as text, by table. */
type Held = ReadonlyMap<number, ReadonlyMap<number, bigint>>;

const textOf = (held: Held): string[] =>
  [...held].map(([table, entries]) => `${table}: ${[...entries].sort(([a], [b]) => a - b)}`).sort();

/** The same, asked of the contents in one of the ways there are. */
function heldIn(contents: CallContents, way: number): string[] {
  const held = new Map<number, Map<number, bigint>>();
  for (const table of contents.keys()) {
    const entries = new Map<number, bigint>();
    const add = (index: number, entry: bigint): void => {
      if (entry !== 0n) entries.set(index, entry);
    };
    const wordsAt = (lo: number, hi: number): bigint => (BigInt(hi) << 32n) | BigInt(lo);
    if (way === 0) for (const [index, entry] of contents.get(table)!.entries()) add(index, entry);
    else if (way === 1) for (let i = 0; i < ENTRIES; i++) add(i, contents.entry(table, i));
    else if (way === 2) contents.each(table, (index, lo, hi) => add(index, wordsAt(lo, hi)));
    else {
      const part = { words: new Uint32Array(0), at: 0, first: 0, end: 0 };
      contents.find(table, part);
      const { words, at, first, end } = part;
      for (let i = first; i < end; i++)
        add(i, wordsAt(words[at + 2 * (i - first)]!, words[at + 2 * (i - first) + 1]!));
    }
    held.set(table, entries);
  }
  return textOf(held);
}

describe("what tables hold in front of each call", () => {
  it("stays what it was, asked for right away or behind later calls, whole or in parts", () => {
    let written = 0;
    const ways = fc.array(fc.tuple(fc.nat(8), fc.nat(3)));
    fc.assert(
      fc.property(
        fc.array(line, { maxLength: 4 }),
        fc.array(call, { maxLength: 8 }),
        ways,
        (lines, calls, early) => {
          const runs = lines.map(({ table, index }) => {
            return { table: table as Pfn, index, count: 1, first: (7n << 40n) | BigInt(index), stride: 0n };
          });
          const model = new Map<number, Map<number, bigint>>([[0, new Map()]]);
          for (const { table, index, first } of runs)
            model.set(table, (model.get(table) ?? new Map()).set(index, first));
          const newest = new TableStore(new GivenTables([0 as Pfn], runs));
          let contents = new CallContents(newest);
          const all: { contents: CallContents; held: string[]; freed: string }[] = [];
          const freed = new Set<number>();
          let next = 2n;
          for (const [i, writes] of calls.entries()) {
            all.push({ contents, held: textOf(model), freed: String([...freed].sort()) });
            for (const [at, way] of early)
              if (at === i) for (const one of all) expect(heldIn(one.contents, way)).toEqual(one.held);
            for (const { table, isFreed } of writes as { table: Pfn; isFreed: boolean }[]) {
              contents.keep(table);
              if (isFreed) {
                newest.set(table, FREED);
                model.delete(table);
                freed.add(table);
                continue;
              }
              const content = newest.fresh();
              const index = Number(next) % ENTRIES;
              content[index] = next;
              newest.set(table, content);
              model.set(table, new Map([[index, next++]]));
              freed.delete(table);
              written++;
            }
            contents = contents.after();
          }
          for (const { contents, held, freed } of all) {
            for (let way = 0; way < 4; way++) expect(heldIn(contents, way)).toEqual(held);
            expect(String(contents.freed().sort())).toBe(freed);
            for (let table = 0; table < TABLES; table++) {
              const own = held.find((text) => text.startsWith(`${table}:`));
              expect(contents.has(table as Pfn)).toBe(own !== undefined);
            }
          }
        },
      ),
      { seed: 1, numRuns: 500 },
    );
    expect(written).toBeGreaterThan(500);
  });
});
