import { describe, expect, it } from "vitest";
import { callCli } from "./call-cli.ts";
import { PROGRAM, runCli } from "./run-cli.ts";

/** Without the words that start the program again, and without what differs from run to run. */
const stable = (text: string): string =>
  text
    .replaceAll(PROGRAM, "hitless")
    .replaceAll("node --import tsx src/cli/main.ts", "hitless")
    .replace(/ +\d+\.\d\d$/gm, " T")
    .replace(/\b[\d.]+ (s|ms|min)\b/g, "T");

describe("a command line that tests run in their own process", () => {
  it.each<[number, string[]]>([
    [2, []],
    [0, ["--help"]],
    [1, ["check", "--strategy", "legacy"]],
    [2, ["check", "no-such-input"]],
    [2, ["replay", "AQABLKyd6pgOAwsTCDUBAhjAAQR"]],
    [0, ["fuzz", "--seed", "102", "--runs", "1"]],
    [0, ["mutants", "M05"]],
    [4, ["mutants", "M09"]],
  ])("ends with %d and the words of a process of its own: %j", async (expected, args) => {
    const own = await runCli(args);
    const called = await callCli(args);
    expect(own.code, own.stderr).toBe(expected);
    expect(called.code).toBe(expected);
    expect(stable(called.stdout)).toBe(stable(own.stdout));
    expect(stable(called.stderr)).toBe(stable(own.stderr));
  });

  it("leaves this process as it was", async () => {
    const { argv, exitCode } = process;
    const listeners = process.listenerCount("SIGINT");
    const { write } = process.stdout;
    expect((await callCli(["check", "tseg", "--strategy", "legacy", "--quiet"])).code).toBe(1);
    expect(process.argv).toBe(argv);
    expect(process.exitCode).toBe(exitCode);
    expect(process.stdout.write).toBe(write);
    expect(process.listenerCount("SIGINT")).toBe(listeners);
  });
});
