import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DECODERS } from "../../src/check/decoder.ts";
import { TablePlaces } from "../../src/check/table-places.ts";
import { CAPABILITIES } from "../../src/edit-script/index.ts";
import type { Pfn } from "../../src/units/index.ts";

const LEVELS = 3;
const ENTRIES = 4;
const TABLES = [0x100, 0x101, 0x102, 0x103, 0x104, 0x105];
const [ROOT] = TABLES as [number];

const write = fc.record({
  table: fc.constantFrom(...TABLES),
  index: fc.nat(ENTRIES - 1),
  to: fc.constantFrom(0, 0, ...TABLES.slice(1)),
});

/** Entries that lead to each table that is reached, by level: each table above the lowest is read once. */
function linksIn(memory: ReadonlyMap<string, number>): Map<number, number> {
  const links = new Map<number, number>();
  const read = new Set<number>();
  const visit = (table: number, level: number): void => {
    if (level === 0 || read.has(table)) return;
    read.add(table);
    for (let index = 0; index < ENTRIES; index++) {
      const child = memory.get(`${table} ${index}`) ?? 0;
      if (child === 0) continue;
      links.set(child, (links.get(child) ?? 0) + 1);
      visit(child, level - 1);
    }
  };
  visit(ROOT, LEVELS - 1);
  return links;
}

describe("where tables stand", () => {
  it("is known after each change as if all tables were looked through", () => {
    const capability = CAPABILITIES.get("vtd-ss-39")!;
    const decoder = DECODERS.get(capability.format)!(capability);
    const seen = { shared: 0, again: 0 };
    fc.assert(
      fc.property(
        fc.array(fc.array(write, { minLength: 1, maxLength: 4 }), {
          minLength: 1,
          maxLength: 16,
          size: "max",
        }),
        (calls) => {
          const memory = new Map<string, number>();
          const entry = (table: Pfn, index: number): bigint => {
            const child = memory.get(`${table} ${index}`) ?? 0;
            return child === 0 ? 0n : (BigInt(child) << 12n) | 3n;
          };
          const places = new TablePlaces(decoder, ENTRIES);
          places.addRoot(ROOT as Pfn, LEVELS, entry);
          let wasShared = false;
          for (const writes of calls) {
            // A table leads to those behind it only: none is below itself, and each has one level.
            for (const { table, index, to } of writes) {
              const levelOf = (t: number): number => (t === ROOT ? 2 : t < 0x103 ? 1 : 0);
              if (to === 0 || levelOf(to) === levelOf(table) - 1) memory.set(`${table} ${index}`, to);
            }
            places.renew(new Set(writes.map(({ table }) => table)), entry);
            const links = linksIn(memory);
            for (const table of TABLES) expect(places.isShared(table)).toBe((links.get(table) ?? 0) > 1);
            const isShared = [...links.values()].some((count) => count > 1);
            if (isShared) seen.shared++;
            else if (wasShared) seen.again++;
            wasShared = isShared;
          }
        },
      ),
      { numRuns: 1000 },
    );
    expect(seen.shared).toBeGreaterThan(100);
    expect(seen.again).toBeGreaterThan(10);
  });
});
