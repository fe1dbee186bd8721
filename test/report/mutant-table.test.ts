import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CATALOGUE } from "../../src/check/mutants/index.ts";
import { MUTANT_TABLE_MARKS, mutantTable } from "../../src/report/index.ts";

const page = readFileSync(new URL("../../docs/mutants.md", import.meta.url), "utf8");

describe("docs/mutants.md", () => {
  it("holds the catalogue as it is (else run scripts/write-mutants.mjs)", () => {
    const [begin, end] = MUTANT_TABLE_MARKS;
    const table = page.split(begin)[1]!.split(end)[0]!;
    expect(table).toBe(`\n\n${mutantTable()}\n`);
  });

  it("has one line for every id, with its class and what the kernel does", () => {
    const rows = mutantTable().trimEnd().split("\n").slice(2);
    expect(rows).toHaveLength(CATALOGUE.length);
    for (const [i, { mutant }] of CATALOGUE.entries()) {
      const cells = rows[i]!.split(/(?<!\\) \| /);
      expect(cells).toHaveLength(6);
      expect(cells.slice(0, 3)).toEqual([`| ${mutant.id}`, mutant.expected, mutant.title]);
    }
  });

  it("shows lines of the kill matrix that the catalogue has", () => {
    const shown = [...page.matchAll(/^ {2}(M\d+b?) +([\w-]+) +(V\d+\w?) .* {2}(\S.*)$/gm)];
    expect(shown.length).toBeGreaterThan(3);
    for (const [, id, scenario, expected, title] of shown) {
      const entry = CATALOGUE.find(({ mutant }) => mutant.id === id)!;
      expect(entry.mutant).toMatchObject({ scenario, expected, title });
    }
  });

  it("is linked from the pages that lead to it", () => {
    for (const name of ["README.md", "CONTRIBUTING.md"])
      expect(readFileSync(new URL(`../../${name}`, import.meta.url), "utf8")).toContain("(docs/mutants.md)");
  });
});
