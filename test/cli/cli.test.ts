import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { createProgram } from "../../src/cli/program.ts";
import { callCli } from "./call-cli.ts";
import { freeTablesTwice } from "./frees-tables-twice.ts";
import { runCli } from "./run-cli.ts";

const folder = mkdtempSync(join(tmpdir(), "hitless-cli-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("hitless command line", () => {
  it("lists its commands, and only such that work", async () => {
    const { code, stdout } = await runCli(["--help"]);
    expect(code).toBe(0);
    const commands = stdout.split("Commands:\n")[1]!.split("\n\n")[0]!;
    expect([...commands.matchAll(/^ {2}(\w+)/gm)].map((m) => m[1])).toEqual([
      "stress",
      "check",
      "replay",
      "fuzz",
      "mutants",
      "conformance",
      "uapi",
      "help",
    ]);
    expect(stdout).toContain(
      "Exit codes: 0 clean, 1 violation, 2 wrong usage or input,\n3 the tool itself failed, 4 inconclusive.",
    );
  });

  it("explains stress with its scenarios, strategies, mutants and examples", async () => {
    const { code, stdout } = await runCli(["stress", "--help"]);
    expect(code).toBe(0);
    for (const word of ["pam-2020", "vmm-diff", "vtd-ss-48", "M25", "huge1g", "Examples:", "(default: 10s)"])
      expect(stdout).toContain(word);
  });

  it("explains every command in 80 columns", () => {
    const program = createProgram();
    for (const command of [program, ...program.commands]) {
      let text = "";
      command.configureOutput({ writeOut: (more) => void (text += more), getOutHelpWidth: () => 80 });
      command.outputHelp();
      expect(text).toContain("Usage: ");
      for (const line of text.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
    }
  });

  it("prints the version of the package", async () => {
    const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
    expect(await runCli(["--version"])).toMatchObject({ code: 0, stdout: `${version}\n` });
  });

  const bad = join(folder, "bad.map");
  writeFileSync(bad, "nonsense\n");
  it.each<[string[], RegExp]>([
    [["nothing"], /unknown command 'nothing'/],
    [["stress", "--frobnicate"], /unknown option '--frobnicate'/],
    [
      ["stress", "--strategy", "legacy,magic"],
      /option '--strategy.*There is no strategy 'magic'; known: legacy/,
    ],
    [["stress", "--strategy", "legacy,legacy"], /Each strategy can be given once/],
    [["stress", "--format", "riscv"], /There is no format 'riscv'; known: vtd-ss-39/],
    [["stress", "--seed", "-1"], /option '--seed <n>' argument '-1' is invalid/],
    [["stress", "--seed", "4294967296"], /whole number from 0 to 4294967295/],
    [["stress", "--time", "soon"], /option '--time.*'soon' is invalid. Expected a time such as 10s/],
    [["stress", "--time", "0s"], /'0s' is invalid/],
    [["stress", "--devices", "0"], /option '--devices <n>' argument '0' is invalid.*from 1 to 16/],
    [["stress", "--inject", "M99"], /There is no mutant 'M99'; known: M01/],
    [["stress", "--backing", "paper"], /There is no backing 'paper'/],
    [
      ["stress", "no-such-file"],
      /no-such-file: neither a file or folder nor a scenario\nScenarios: pam-2020, tseg, /,
    ],
    [["check", "tseg", "pam-202"], /pam-202: neither a file .*; did you mean pam-2020\?\nScenarios: /],
    [["stress", bad], /bad\.map:?\d*: expected /],
    [
      ["stress", "--json", join(folder, "missing", "r.json")],
      /option '--json .*r\.json': the file cannot be written/,
    ],
  ])("refuses %j with exit code 2 and a sentence", async (args, sentence) => {
    const { code, stdout, stderr } = await callCli(args);
    expect(stderr).toMatch(sentence);
    expect(stderr).not.toContain("    at ");
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  });
});

describe("a failure of the tool itself", () => {
  const broken = async (args: readonly string[]) => {
    const repair = freeTablesTwice();
    try {
      return await callCli(args);
    } finally {
      repair();
    }
  };

  it.each([
    ["check", "boundary-2m", "--strategy", "set-map"],
    ["stress", "boundary-2m", "--strategy", "set-map", "--time", "1s", "--devices", "1"],
  ])("is no verdict: code 3, a sentence, what broke and the line that repeats it (%s)", async (...args) => {
    const { code, stdout, stderr } = await runCli(args, undefined, "./preload-frees-tables-twice.ts");
    expect(code).toBe(3);
    expect(stdout).not.toContain("Verdict");
    const lines = stderr.trimEnd().split("\n");
    expect(lines[0]).toBe("hitless: the tool itself failed, this is no verdict");
    expect(lines[1]).toMatch(/^EngineBug: execute: record at word \d+ frees a table page that is not live/);
    expect(lines.at(-1)).toBe(`Replay: node --import tsx src/cli/main.ts ${args.join(" ")}`);
    const runSound = args[0] === "check" ? callCli : runCli;
    expect((await runSound(args)).code).toBe(0);
  });

  it("is a finding where finding such failures is what was asked for", async () => {
    const { code, stdout } = await broken(["fuzz", "--runs", "40", "--shrink", "2s"]);
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^crash: in step \d, execute: record at word \d+ frees a table page that is not live/m,
    );
  });

  it("counts against a kernel with an injected fault, whose crash ends the sequence", async () => {
    const { code, stdout } = await broken(["check", "boundary-2m", "--inject", "M42"]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^ {2}The kernel did not survive its own script: execute: record at word/m);
  });
});
