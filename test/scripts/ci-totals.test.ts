import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "hitless-totals-"));
afterAll(() => rmSync(folder, { recursive: true }));

interface FileResult {
  name: string;
  status: string;
  message?: string;
  assertionResults: { status: string }[];
}

/** Runs ci-totals on results as vitest and the examples write them. */
function totals(testResults: FileResult[], examples: { passed: number; failed: number }) {
  const count = (status: string): number =>
    testResults.flatMap((file) => file.assertionResults).filter((test) => test.status === status).length;
  const tests = {
    success: testResults.every((file) => file.status === "passed"),
    numTotalTests: testResults.flatMap((file) => file.assertionResults).length,
    numPassedTests: count("passed"),
    numFailedTests: count("failed"),
    numPendingTests: count("skipped"),
    testResults,
  };
  writeFileSync(join(folder, "tests.json"), JSON.stringify(tests));
  writeFileSync(join(folder, "examples.json"), JSON.stringify(examples));
  const run = spawnSync(
    process.execPath,
    ["scripts/ci-totals.mjs", join(folder, "tests.json"), join(folder, "examples.json")],
    { encoding: "utf8" },
  );
  return { exit: run.status, lastLine: run.stdout.trimEnd().split("\n").at(-1) };
}

const file = (status: string, ...tests: string[]): FileResult => ({
  name: "some.test.ts",
  status,
  assertionResults: tests.map((t) => ({ status: t })),
});

describe("the totals of a CI run", () => {
  it("adds tests and examples and succeeds when all passed", () => {
    expect(totals([file("passed", "passed", "passed")], { passed: 4, failed: 0 })).toEqual({
      exit: 0,
      lastLine: "6 passed, 0 failed",
    });
  });

  it("fails when one test failed", () => {
    expect(totals([file("failed", "passed", "failed")], { passed: 4, failed: 0 })).toEqual({
      exit: 1,
      lastLine: "5 passed, 1 failed",
    });
  });

  it("counts a test file that could not be loaded as a failure", () => {
    expect(totals([file("passed", "passed"), file("failed")], { passed: 4, failed: 0 })).toEqual({
      exit: 1,
      lastLine: "5 passed, 1 failed",
    });
  });

  it("fails when one example failed", () => {
    expect(totals([file("passed", "passed")], { passed: 3, failed: 1 })).toEqual({
      exit: 1,
      lastLine: "4 passed, 1 failed",
    });
  });

  it("fails when no test ran", () => {
    expect(totals([], { passed: 4, failed: 0 })).toEqual({ exit: 1, lastLine: "4 passed, 0 failed" });
  });
});
