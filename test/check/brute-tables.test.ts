import { describe, expect, it } from "vitest";
import { type Compared, compareTables } from "./compare-tables.ts";
import { randomTables } from "./faulty-tables.ts";
import type { TablesScript } from "./tables-script.ts";
import { wildTables } from "./wild-tables.ts";

/** A longer run, or one that begins with another seed: `TABLES_CASES=5000 TABLES_SEED=7000 npx vitest run …`. */
const CASES = Number(process.env["TABLES_CASES"] ?? 150);
const FIRST_SEED = Number(process.env["TABLES_SEED"] ?? 1);

interface Sums {
  refused: number;
  clean: number;
  wrong: number;
  undecided: number;
  leftAlone: number;
  cleanPages: number;
  readonly told: Map<string, number>;
}

function compareAll(draw: (seed: number) => TablesScript): Sums {
  const sums: Sums = {
    refused: 0,
    clean: 0,
    wrong: 0,
    undecided: 0,
    leftAlone: 0,
    cleanPages: 0,
    told: new Map(),
  };
  for (let seed = FIRST_SEED; seed < FIRST_SEED + CASES; seed++) {
    const mode = seed % 2 === 0 ? "strong" : "weak";
    let compared: Compared;
    try {
      compared = compareTables(draw(seed), mode);
    } catch (error) {
      // A fault may make a script that is none: it names a tag that no root has.
      expect((error as Error).name, `seed ${seed}: ${error}`).toBe("ScriptTextError");
      sums.refused++;
      continue;
    }
    expect(compared.differences, `seed ${seed}, ${mode}`).toEqual([]);
    sums.clean += compared.cleanCalls;
    sums.wrong += compared.wrongCalls;
    sums.undecided += compared.undecidedCalls;
    sums.leftAlone += compared.leftAlone;
    sums.cleanPages += compared.cleanPages;
    for (const [kind, pages] of compared.told) sums.told.set(kind, (sums.told.get(kind) ?? 0) + pages);
  }
  expect(sums.refused).toBeLessThan(1 + CASES / 50);
  expect(sums.undecided + sums.leftAlone).toBeLessThan(1 + CASES / 20);
  return sums;
}

describe("checker against an enumerator of tables, tags and calls", () => {
  it(`tells what can be seen of ${CASES} scripts of a driver that errs, from seed ${FIRST_SEED} on`, () => {
    const { clean, wrong, cleanPages, told } = compareAll(randomTables);
    expect(clean).toBeGreaterThan(CASES);
    expect(wrong).toBeGreaterThan(CASES / 4);
    expect(cleanPages).toBeGreaterThan(15 * CASES);
    for (const kind of ["V02", "V04b", "V06", "V07", "V15"])
      expect(told.get(kind) ?? 0, kind).toBeGreaterThan(CASES / 50);
  });

  it(`tells what can be seen of ${CASES} scripts of a driver without a plan, from seed ${FIRST_SEED} on`, () => {
    const { clean, wrong, cleanPages, told } = compareAll(wildTables);
    expect(clean).toBeGreaterThan(CASES / 2);
    expect(wrong).toBeGreaterThan(CASES / 2);
    expect(cleanPages).toBeGreaterThan(10 * CASES);
    for (const kind of ["V01", "V01b", "V02", "V04", "V04b", "V05", "V07", "V08", "V09", "V15"])
      expect(told.get(kind) ?? 0, kind).toBeGreaterThan(CASES / 100);
  });
});
