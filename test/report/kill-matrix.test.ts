import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  KILL_MATRIX_SCHEMA_ID,
  type KillMatrix,
  type KillRow,
  killFigures,
  killMatrixJsonSchema,
  killMatrixToJson,
  killMatrixToTerminal,
  rowResult,
} from "../../src/report/index.ts";

const row = (id: string, more: Partial<KillRow> = {}): KillRow => {
  const facts: Omit<KillRow, "result"> = {
    id,
    title: "does something that is wrong in a way that takes some words to say",
    source: "common",
    kind: "script",
    scenario: "split-rejoin",
    format: "vtd-ss-48",
    strategy: "set-map",
    expected: "V01",
    found: ["V01"],
    causes: ["V01 order"],
    foundByThreads: null,
    caughtBy: ["checker"],
    equivalent: null,
    changes: 1,
    findings: ["'a' to 'b': V01 (order at step 3) on 496 pages from 0x2000000: nothing"],
    replay: `hitless mutants ${id} --seed 1`,
    ...more,
  };
  return { ...facts, result: rowResult(facts) };
};
const matrixOf = (rows: KillRow[], more: Partial<KillMatrix> = {}): KillMatrix => {
  const controls = more.controls ?? [
    { scenario: "split-rejoin", format: "vtd-ss-48", strategy: "set-map", found: [] },
  ];
  const partial = more.partial ?? false;
  return {
    schema: KILL_MATRIX_SCHEMA_ID,
    command: "mutants",
    mode: "weak",
    seed: 1,
    threads: null,
    partial,
    ...killFigures(rows, controls, partial),
    controls,
    matrix: rows,
    ...more,
  };
};

describe("a row of the kill matrix", () => {
  it("is killed by its class and only it", () => {
    expect(row("M01").result).toBe("killed");
    expect(row("M01", { foundByThreads: ["V01"] }).result).toBe("killed");
    expect(row("M01", { foundByThreads: [] }).result).toBe("killed");
  });

  it("is impure when the checker or threads see another class as well", () => {
    expect(row("M01", { found: ["V01", "V09"] }).result).toBe("impure");
    expect(row("M01", { foundByThreads: ["V01", "V04"] }).result).toBe("impure");
  });

  it("is missed when the checker does not find its class, whatever threads see", () => {
    expect(row("M01", { found: [] }).result).toBe("missed");
    expect(row("M01", { found: ["V02"] }).result).toBe("missed");
    expect(row("M01", { found: [], foundByThreads: ["V01"] }).result).toBe("missed");
  });

  it("is equivalent only while nothing is found", () => {
    expect(row("M20", { equivalent: "why", found: [] }).result).toBe("equivalent");
    expect(row("M20", { equivalent: "why" }).result).toBe("impure");
  });
});

describe("the figures", () => {
  it("count what can be killed and what was", () => {
    const rows = [
      row("M01"),
      row("M02", { found: ["V01", "V02"] }),
      row("M03", { found: [], caughtBy: [] }),
      row("M20", { equivalent: "why", found: [], caughtBy: [] }),
    ];
    expect(killFigures(rows, [], false)).toEqual({
      verdict: "violation",
      killed: 1,
      killable: 3,
      specificity: 0.5,
    });
  });

  it("are clean only if every row and every control is as expected and the run is whole", () => {
    const rows = [row("M01"), row("M20", { equivalent: "why", found: [], caughtBy: [] })];
    const control = (found: string[]) => [
      { scenario: "remap", format: "vtd-ss-48", strategy: "set-map", found },
    ];
    expect(killFigures(rows, control([]), false).verdict).toBe("clean");
    expect(killFigures(rows, control(["V01"]), false).verdict).toBe("violation");
    expect(killFigures(rows, control([]), true).verdict).toBe("inconclusive");
    expect(killFigures([], [], false).verdict).toBe("inconclusive");
  });
});

describe("the printed matrix", () => {
  const bad = matrixOf(
    [
      row("M01"),
      row("M02", { found: ["V01", "V09"], foundByThreads: ["V01"] }),
      row("M03", { found: [], caughtBy: [], findings: [] }),
      row("M09", {
        kind: "not-carried",
        scenario: null,
        format: null,
        strategy: null,
        found: [],
        equivalent: "no such entries",
      }),
    ],
    { controls: [{ scenario: "remap", format: "vtd-ss-48", strategy: "epoch", found: ["V04"] }] },
  );

  it.each([110, 80])("fits %d columns and ends in the summary line", (width) => {
    const text = killMatrixToTerminal(bad, { details: true, width });
    for (const line of text.split("\n"))
      if (!line.includes("Repeat: ")) expect(line.length, line).toBeLessThanOrEqual(width);
    expect(text.trimEnd().split("\n").at(-1)).toBe("kills 1/3, specificity 50 %; 1 mutant equivalent here");
    expect(text).toContain("M09  does something");
    expect(text.replace(/\s+/g, " ")).toContain("no such entries");
    expect(text).toContain("496 pages from 0x2000000");
  });

  it.each([
    ["vtd-ss-48", "set-map", "split-rejoin "],
    ["vtd-ss-57-cm", "set-map", "split-rejoin (cm) "],
    ["vtd-ss-48-nc-ad", "set-map", "split-rejoin (nc-ad) "],
    ["vtd-ss-48", "epoch", "split-rejoin (epoch) "],
    ["vtd-ss-48-ad", "epoch", "split-rejoin (epoch, ad) "],
  ])("names what is not as usual of %s by %s", (format, strategy, words) => {
    expect(killMatrixToTerminal(matrixOf([row("M01", { format, strategy })]))).toContain(`M01  ${words}`);
  });

  it("has a column for what threads met where some ran", () => {
    const threads = { timeMs: 1000, devices: 2 };
    expect(killMatrixToTerminal(matrixOf([row("M01")]))).not.toContain("THREADS");
    expect(killMatrixToTerminal(matrixOf([row("M01")], { threads }))).toContain("FOUND  THREADS  RESULT");
  });

  it("gives one line for each miss that repeats it, and one for a control that is not clean", () => {
    const lines = killMatrixToTerminal(bad, { quiet: true }).trimEnd().split("\n");
    expect(lines).toEqual([
      "control: remap on vtd-ss-48 by epoch shows V04 without a mutant",
      "M02: expected V01, found V01+V09, threads V01. Repeat: hitless mutants M02 --seed 1",
      "M03: expected V01, found nothing. Repeat: hitless mutants M03 --seed 1",
      "kills 1/3, specificity 50 %; 1 mutant equivalent here",
    ]);
  });

  it("is the same as JSON, whose schema is published (npm run build && node scripts/write-schema.mjs)", () => {
    expect(JSON.parse(killMatrixToJson(bad))).toEqual(bad);
    expect(() => killMatrixToJson({ ...bad, killed: -1 })).toThrow(/killed/);
    const published = readFileSync(new URL("../../docs/schema/kill-matrix.json", import.meta.url), "utf8");
    expect(JSON.parse(published)).toEqual(JSON.parse(JSON.stringify(killMatrixJsonSchema())));
  });
});
