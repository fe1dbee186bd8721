import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FreshTables } from "../../src/edit-script/fresh-tables.ts";
import { parseScript, ScriptTextError } from "../../src/edit-script/index.ts";

const HEAD = ["hitless-edit-script 1 vtd-ss-39", "domain 1 root=0x1000"];
const TABLES = 200;
const STRIDE = 0x1000n;

interface Given {
  readonly table: number;
  readonly index: number;
  /** One for each entry that the line lists; a single one may be the first of a run. */
  readonly entries: readonly bigint[];
  readonly isRun: boolean;
  readonly isPlain: boolean;
}

const line = ({ table, index, entries, isRun, isPlain }: Given): string => {
  const hex = (value: bigint): string => `0x${value.toString(16)}`;
  const listed = isRun
    ? `${hex(entries[0]!)} count=${entries.length} stride=0x1000`
    : entries.map(hex).join(" ");
  // Digits that are grouped are not read at sight.
  return `table 0x${(table + 1).toString(16)}${isPlain ? "000" : "_000"}[${index}] = ${listed}`;
};

const given = fc
  .record({
    table: fc.nat(TABLES - 1),
    index: fc.nat(6),
    values: fc.array(fc.constantFrom(0n, 0x3n, 0x1003n, 0x2003n, 2n ** 63n), { minLength: 1, maxLength: 4 }),
    isRun: fc.boolean(),
    isPlain: fc.boolean(),
  })
  .map(({ values, ...more }): Given => {
    const entries = more.isRun ? values.map((_, i) => values[0]! + BigInt(i) * STRIDE) : values;
    return { ...more, entries };
  });

/** The first line that gives an entry another value, and the entry; null where none does. */
function contradiction(lines: readonly Given[]): { readonly at: number; readonly index: number } | null {
  const known = new Map<string, bigint>();
  for (const [at, { table, index, entries }] of lines.entries())
    for (const [i, entry] of entries.entries()) {
      const key = `${table} ${index + i}`;
      const before = known.get(key);
      if (before !== undefined && before !== entry) return { at, index: index + i };
      known.set(key, entry);
    }
  return null;
}

describe("entries that table lines give", () => {
  it("may be given twice if they are the same, whatever the form of the lines", () => {
    let [right, wrong] = [0, 0];
    fc.assert(
      fc.property(fc.array(given, { maxLength: 12 }), fc.nat(TABLES), (drawn, crowd) => {
        // As many tables as make what is noted grow.
        const many = Array.from({ length: crowd }, (_, i): Given => {
          return { table: i, index: 100, entries: [0x5003n], isRun: false, isPlain: true };
        });
        const lines = [...many, ...drawn.map((d) => ({ ...d, table: d.table % 3 }))];
        const text = [...HEAD, ...lines.map(line)].join("\n");
        const against = contradiction(lines);
        if (against === null) {
          right++;
          const { tables } = parseScript(text);
          const held = new Map<string, bigint>();
          for (const { table, index, count, first, stride } of tables)
            for (let i = 0; i < count; i++) held.set(`${table} ${index + i}`, first + BigInt(i) * stride);
          for (const { table, index, entries } of lines)
            for (const [i, entry] of entries.entries())
              expect(held.get(`${table + 1} ${index + i}`)).toBe(entry);
          return;
        }
        wrong++;
        const parse = (): unknown => parseScript(text);
        expect(parse).toThrow(ScriptTextError);
        expect(parse).toThrow(
          new RegExp(`^script:${HEAD.length + against.at + 1}: entry ${against.index} of`),
        );
      }),
      { numRuns: 400 },
    );
    expect(Math.min(right, wrong)).toBeGreaterThan(50);
  });
});

describe("fresh tables", () => {
  it("hold nothing and share nothing", () => {
    const fresh = new FreshTables();
    const tables = Array.from({ length: 1500 }, (_, i) => {
      const table = fresh.take();
      expect(table.length).toBe(512);
      expect(table.every((entry) => entry === 0n)).toBe(true);
      return table.fill(BigInt(i) + 1n);
    });
    for (const [i, table] of tables.entries())
      expect([table[0], table[511]]).toEqual([BigInt(i) + 1n, BigInt(i) + 1n]);
  });
});
