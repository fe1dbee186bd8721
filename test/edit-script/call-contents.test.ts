import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CallContents } from "../../src/edit-script/index.ts";
import type { Pfn } from "../../src/units/index.ts";

const TABLES = 4;

/** Tables that a call writes, or gives back. */
const call = fc.array(fc.record({ table: fc.nat(TABLES - 1), isFreed: fc.boolean() }), { maxLength: 4 });

const textOf = (contents: Iterable<readonly [Pfn, BigUint64Array]>): string[] =>
  [...contents].map(([table, content]) => `${table}: ${content}`).sort();

describe("what tables hold in front of each call", () => {
  it("stays what it was, asked for right away or behind later calls", () => {
    fc.assert(
      fc.property(fc.array(call, { maxLength: 8 }), fc.array(fc.nat(8)), (calls, early) => {
        const newest = new Map<Pfn, BigUint64Array>([[0 as Pfn, BigUint64Array.of(1n)]]);
        let contents = new CallContents(newest);
        const all: { contents: CallContents; held: string[] }[] = [];
        let next = 2n;
        for (const [i, writes] of calls.entries()) {
          const held = textOf(newest);
          all.push({ contents, held });
          if (early.includes(i)) for (const one of all) expect(textOf(one.contents)).toEqual(one.held);
          for (const { table, isFreed } of writes as { table: Pfn; isFreed: boolean }[]) {
            contents.keep(table);
            if (isFreed) newest.delete(table);
            else newest.set(table, BigUint64Array.of(next++));
          }
          contents = contents.after();
        }
        for (const { contents, held } of all) {
          expect(textOf(contents)).toEqual(held);
          for (let table = 0; table < TABLES; table++) {
            const own = held.find((text) => text.startsWith(`${table}:`));
            expect(contents.has(table as Pfn)).toBe(own !== undefined);
          }
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
