import { describe, expect, it } from "vitest";
import { type CheckInput, Decision } from "../../src/check/index.ts";
import { randomCase } from "./random-script.ts";

const options = {
  mode: "strong",
  collapse: true,
  skipUntouched: true,
  journalRules: true,
  acceptPlain: true,
  skipHidden: true,
  only: null,
} as const;

/** Whatever any store ever put into an entry, and what it held before. */
function valuesOf({ tables, script }: CheckInput, table: number, index: number): bigint[] {
  const values = [tables.entry(table as never, index)];
  for (const step of script)
    if ("entry" in step && step.table === table && step.index === index) values.push(step.entry);
  return values;
}

describe("the entries that walks of a page can load", () => {
  it("begin with the root's, whatever happens to the tables below, and lead from one to the next", () => {
    let below = 0;
    for (let seed = 0; seed < 400; seed++) {
      const { input } = randomCase(seed);
      const [domain] = input.domains;
      const decision = new Decision(input);
      const { levels, indexLg2 = 9 } = input.capability;
      const size = 2 ** indexLg2;
      for (let page = 0; page < size ** levels; page++) {
        const { entries } = decision.reachedFrom({ domain: domain!.id, start: page, end: page + 1 }, options);
        const where = `seed ${seed}, page ${page}`;
        expect([...(entries.get(domain!.root) ?? [])], where).toContain(
          Math.floor(page / size ** (levels - 1)),
        );
        for (const table of entries.keys()) {
          if (table === domain!.root) continue;
          below++;
          const isLedTo = [...entries].some(([above, indexes]) =>
            [...indexes].some((index) =>
              valuesOf(input, above, index).some(
                (value) => Number((value >> 12n) & 0xff_ffff_ffffn) === table,
              ),
            ),
          );
          expect(isLedTo, `${where}: table ${table.toString(16)}`).toBe(true);
        }
      }
    }
    expect(below).toBeGreaterThan(500);
  });
});
