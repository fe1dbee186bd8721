import { describe, expect, it } from "vitest";
import { killMatrixSchema } from "../../src/report/index.ts";
import { callCli } from "./call-cli.ts";
import { runCli } from "./run-cli.ts";

describe("hitless mutants", () => {
  it("shows the mutants asked for with their findings and exits 0 when all are killed", async () => {
    const { code, stdout, stderr } = await callCli(["mutants", "M05", "M09"]);
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(stdout).toMatch(/M05 +split-rejoin +V02 +V02 +killed/);
    expect(stdout).toContain("'whole' to 'a hole': V02");
    expect(stdout).toContain("M09  writes a replicated leaf");
    expect(stdout.trimEnd().split("\n").at(-1)).toBe(
      "kills 1/1, specificity 100 %; 1 mutant equivalent here",
    );
    for (const line of stdout.split("\n")) expect(line.length, line).toBeLessThanOrEqual(110);
  }, 30_000);

  it("writes nothing but the matrix to standard output with --json -", async () => {
    const { code, stdout } = await runCli(["mutants", "M20", "--format", "vtd-ss-48", "--json", "-"]);
    expect(code).toBe(0);
    const [row] = killMatrixSchema.parse(JSON.parse(stdout)).matrix;
    expect(row).toMatchObject({ id: "M20", found: [], caughtBy: [], result: "equivalent" });
    expect(row!.equivalent).toMatch(/never caches absent entries/);
    expect(row!.replay).toMatch(/ mutants M20 --seed 1 --format vtd-ss-48$/);
  }, 30_000);

  it("refuses an unknown id, naming it, with exit code 2", async () => {
    const { code, stdout, stderr } = await callCli(["mutants", "M5"]);
    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/there is no mutant 'M5'; known: M01, /);
  }, 30_000);

  it("exits 4 when nothing of what was asked for can run", async () => {
    expect((await callCli(["mutants", "M09", "--quiet"])).code).toBe(4);
  }, 30_000);
});
