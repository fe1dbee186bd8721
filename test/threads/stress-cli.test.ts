import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { runResultSchema } from "../../src/report/index.ts";
import { PROGRAM, runCli } from "../cli/run-cli.ts";

const folder = mkdtempSync(join(tmpdir(), "hitless-stress-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Replaces what differs from run to run: counts, shares and times. */
const stable = (text: string): string =>
  text
    .replace(/\d[\d,]*(?=( access| time|\)\.$))/gm, "N")
    .replace(/(N passes|\d+ pass(es)?) in [\d.]+ s/g, "P passes in T s")
    .replace(/^( {2}\S+) +[\d,]+ +[<>]?[\d.]+%/gm, "$1 N F")
    .replace(/Node v[\d.]+, \d+ CPUs?/, "Node V, C CPUs");

describe("hitless stress", () => {
  it("compares legacy with set-map and says in its last lines what that means", async () => {
    const { code, stdout, stderr } = await runCli(["stress", "data/qemu/pc-seabios-boot", "--time", "2s"]);
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(stdout).not.toContain("\u001b");
    expect(
      stdout.startsWith(
        "hitless stress: data/qemu/pc-seabios-boot, 30 maps, 29 changes; vtd-ss-48, backing thp, 2 devices",
      ),
    ).toBe(true);
    expect(stdout).toMatch(/^ {2}legacy +70 .* 32,206,376,960$/m);
    expect(stdout).toMatch(/^ {2}set-map +29 .* 0$/m);
    expect(stdout).toMatch(/^ {2}RESULT +SAMPLES +FREQ +EXPECT +DESCRIPTION$/m);
    expect(stdout).toMatch(/^ {2}V01 +[\d,]+ +[\d.<>]+% +FORBIDDEN +Transient fault: a page that both maps/m);
    const last = stable(
      stdout
        .trimEnd()
        .split("\nlegacy: ")[1]!
        .replace(/\n {2}/g, " "),
    );
    expect(last).toMatch(/^devices faulted N times on RAM that both maps contain, the one before/);
    expect(last).toContain(
      "29.99 GiB of it (32,206,376,960 bytes, summed over 29 map changes) lost its translation",
    );
    expect(last).toContain(
      "\nset-map: 0 faults on RAM that both maps contain, 0 bytes lost their translation, nothing forbidden in N accesses.\n",
    );
    expect(last).toMatch(
      /\nVerdict: clean: set-map disturbed no device \(legacy is the baseline and does not count\)$/,
    );
  });

  it("prints nothing but JSON on standard output when asked to", async () => {
    const { code, stdout } = await runCli(["stress", "split-rejoin", "--time", "200ms", "--json", "-"]);
    expect(code).toBe(0);
    const result = runResultSchema.parse(JSON.parse(stdout));
    expect(result.strategies.map((s) => s.name)).toEqual(["legacy", "set-map"]);
  });

  it("catches a broken kernel in the mutant's own scenario, exits with 1 and prints the line that replays it", async () => {
    const json = join(folder, "m18.json");
    const args = ["stress", "--inject", "M18", "--seed", "0x10", "--time", "1s", "--json", json, "--quiet"];
    const { code, stdout } = await runCli(args);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^hitless stress: remap, .* seed 16, fault M18 injected/);
    const words = "stress remap --strategy set-map --seed 16 --time 1s --inject M18";
    const replay = `${PROGRAM} ${words}`;
    expect(stdout).toContain(`Next: ${replay}   # runs the failing case again (V06 in set-map)`);
    expect(stdout).toMatch(/Verdict: violation: V06 in set-map\n$/);
    const result = runResultSchema.parse(JSON.parse(readFileSync(json, "utf8")));
    expect(result).toMatchObject({ verdict: "violation", inject: "M18", seed: 16 });
    expect(result.violations).toMatchObject([{ class: "V06", strategy: "set-map", replay }]);
    const again = await runCli(words.split(" "));
    expect(again.code).toBe(1);
  });

  it("judges legacy when it runs alone", async () => {
    const { code, stdout } = await runCli([
      "stress",
      "tseg",
      "--strategy",
      "legacy",
      "--time",
      "300ms",
      "--quiet",
    ]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/Verdict: violation: V01 in legacy/);
  });

  it("prints what it has on Ctrl-C and exits with 4 when a strategy was not seen", async () => {
    const json = join(folder, "partial.json");
    let signalled = false;
    const { code, stdout } = await runCli(["stress", "--time", "1h", "--json", json], (text, child) => {
      if (signalled || !text.includes("hitless stress:")) return;
      signalled = true;
      child.kill("SIGINT");
    });
    expect(code).toBe(4);
    expect(stdout).toContain("Interrupted: the figures are those of the run so far.");
    expect(stdout).toMatch(/Verdict: inconclusive: .*\n$/);
    expect(existsSync(json)).toBe(true);
    expect(runResultSchema.parse(JSON.parse(readFileSync(json, "utf8")))).toMatchObject({
      partial: true,
      verdict: "inconclusive",
    });
  });

  it("reads several inputs as one sequence", async () => {
    const { code, stdout } = await runCli(["stress", "tseg", "no-change", "--time", "200ms", "--json", "-"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ maps: 6, input: "tseg no-change" });
  });
});
