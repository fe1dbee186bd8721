import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DECODERS } from "../../src/check/entries/decoder.ts";
import { LinkedTables, type TableState } from "../../src/check/entries/linked-tables.ts";
import { CAPABILITIES, CallContents, GivenTables } from "../../src/edit-script/index.ts";
import { FREED, TableStore } from "../../src/edit-script/table-store.ts";
import type { Pfn } from "../../src/units/index.ts";

const TABLES = 6;
const ENTRIES = 3;
const capability = CAPABILITIES.get("vtd-ss-39")!;
const decoder = DECODERS.get(capability.format)!(capability);

/** What a call stores: nothing, a leaf, or a link to a table, which may be one that leads here. */
const store = fc.record({
  table: fc.nat(TABLES - 1),
  index: fc.nat(ENTRIES - 1),
  kind: fc.constantFrom("absent", "leaf", "link", "link", "link", "free"),
  child: fc.nat(TABLES - 1),
});
const call = fc.record({
  stores: fc.array(store, { maxLength: 5 }),
  roots: fc.array(fc.nat(TABLES - 1), { minLength: 1, maxLength: 2 }),
});

/** Tables that walks get to, by walking. */
function walked({ contents, domains }: TableState): number[] {
  const found = new Set<number>();
  const walk = (table: number, level: number): void => {
    found.add(table);
    if (level === 0) return;
    for (const entry of contents.get(table as Pfn) ?? [])
      if ((entry & 3n) !== 0n && (entry & 0x80n) === 0n) walk(Number(entry >> 12n), level - 1);
  };
  for (const { root, levels } of domains) walk(root, levels - 1);
  return [...found].sort();
}

/** Tables that several entries lead to, of all that stand in walked places. */
function shared({ contents, domains }: TableState): number[] {
  const seen = new Set<string>();
  const links = new Map<number, number>();
  const walk = (table: number, level: number): void => {
    if (seen.has(`${table} ${level}`)) return;
    seen.add(`${table} ${level}`);
    if (level === 0) return;
    for (const entry of contents.get(table as Pfn) ?? []) {
      if ((entry & 3n) === 0n || (entry & 0x80n) !== 0n) continue;
      const child = Number(entry >> 12n);
      links.set(child, (links.get(child) ?? 0) + 1);
      walk(child, level - 1);
    }
  };
  for (const { root, levels } of domains) walk(root, levels - 1);
  return [...links].flatMap(([table, count]) => (count > 1 ? [table] : [])).sort();
}

const toldShared = (links: LinkedTables): number[] =>
  Array.from({ length: TABLES }, (_, table) => table).filter((table) => links.isShared(table as Pfn));

const told = (links: LinkedTables): number[] =>
  Array.from({ length: TABLES }, (_, table) => table).filter((table) => links.has(table as Pfn));

describe("tables that walks can get to", () => {
  it("are those that walking finds, from call to call or over several at once", () => {
    let reached = 0;
    fc.assert(
      fc.property(fc.array(call, { minLength: 1, maxLength: 8 }), fc.array(fc.nat(7)), (calls, skipped) => {
        const newest = new TableStore(new GivenTables([], []));
        let contents = new CallContents(newest);
        let links: LinkedTables | null = null;
        const states: TableState[] = [];
        for (const [i, { stores, roots }] of calls.entries()) {
          const domains = roots.map((root) => ({ root: root as Pfn, levels: 3 }));
          const state = { contents, domains };
          states.push(state);
          if (!skipped.includes(i)) {
            links ??= new LinkedTables(decoder, state);
            expect(links.goTo(state)).toBe(true);
            expect(told(links)).toEqual(walked(state));
            expect(toldShared(links)).toEqual(shared(state));
            if (walked(state).length > 3) reached++;
          }
          for (const { table, index, kind, child } of stores as ((typeof stores)[number] & {
            table: Pfn;
          })[]) {
            contents.keep(table);
            if (kind === "free") newest.set(table, FREED);
            if (kind === "free") continue;
            const held = newest.isFreed(table) ? undefined : newest.get(table);
            const content = held?.slice() ?? new BigUint64Array(ENTRIES);
            const link = (BigInt(child) << 12n) | 3n;
            content[index] = kind === "absent" ? 0n : kind === "leaf" ? link | 0x80n : link;
            newest.set(table, content);
          }
          contents = contents.after();
        }
        // A call that was left behind is counted anew, and later ones can be gone on to from there.
        const again = new LinkedTables(decoder, states[0]!);
        for (const state of states) {
          expect(again.goTo(state)).toBe(true);
          expect(told(again)).toEqual(walked(state));
        }
        expect(again.goTo(states[0]!)).toBe(states.length === 1);
      }),
      { numRuns: 2_000 },
    );
    expect(reached).toBeGreaterThan(100);
  });
});
