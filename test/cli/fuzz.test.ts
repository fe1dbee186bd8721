import { describe, expect, it } from "vitest";
import { callCli } from "./call-cli.ts";
import { runCli } from "./run-cli.ts";

describe("hitless fuzz", () => {
  it("goes on behind the cases that an earlier run has had", async () => {
    const args = ["fuzz", "--seed", "102", "--skip", "4", "--runs", "2"];
    const { code, stdout } = await callCli(args);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^hitless fuzz: seed 102 without its first 4 cases, any format, 2 cases\n/);
    expect(stdout).toMatch(/\nGo on with: --seed 102 --skip 6\nVerdict: clean: /);
  }, 30_000);

  it("refuses to leave out more cases than a seed has, with exit code 2", async () => {
    const { code, stderr } = await callCli(["fuzz", "--skip", "16"]);
    expect(code).toBe(2);
    expect(stderr).toContain("Expected a whole number from 0 to 15.");
  }, 30_000);

  it("exits with 4 on Ctrl-C, and with 0 when its time is over", async () => {
    let signalled = false;
    const { code, stdout } = await runCli(["fuzz", "--runs", "100000000", "--time", "1h"], (text, child) => {
      if (signalled || !text.includes("hitless fuzz:")) return;
      signalled = true;
      child.kill("SIGINT");
    });
    expect(code).toBe(4);
    expect(stdout).toContain("Interrupted: the figures are those of the run so far.\nGo on with: --seed ");
    expect(stdout).toMatch(/Verdict: inconclusive: .*\n$/);
    expect((await runCli(["fuzz", "--runs", "100000000", "--time", "2s"])).code).toBe(0);
  }, 60_000);
});
