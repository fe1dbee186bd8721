import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { callCli } from "./call-cli.ts";
import { runCli } from "./run-cli.ts";

const folder = mkdtempSync(join(tmpdir(), "hitless-targets-"));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

/** The kernel refuses RAM where a PC has its interrupt window. */
const reserved = file(
  "reserved.map",
  "hitless-map 1\nmap one\nregion iova=0xfee00000 size=4K backing=ram rights=rw\n",
);
/** That its map goes past the tables is found out only when the script is judged. */
const script = file(
  "bad.script",
  "hitless-edit-script 1 vtd-ss-39\ndomain 1 root=0x100000000\n" +
    "map old iova=0x8000000000 size=0x1000 frame=0x1000000000\nbarrier\n",
);

describe("a run that is refused", () => {
  it.each([
    [["check", reserved]],
    [["check", "--script", script]],
    [["stress", reserved, "--time", "100ms"]],
    [["conformance", join(folder, "nowhere")]],
    [["mutants", "M99"]],
  ])(
    "leaves no result where none was, and an old one as it was: %j",
    async (args) => {
      const json = join(folder, "result.json");
      rmSync(json, { force: true });
      // What starts threads is a process of its own.
      const run = args[0] === "stress" ? runCli : callCli;
      const { code, stderr } = await run([...args, "--json", json]);
      expect(code, stderr).toBe(2);
      expect(existsSync(json)).toBe(false);
      writeFileSync(json, "an older result");
      expect((await run([...args, "--json", json])).code).toBe(2);
      expect(readFileSync(json, "utf8")).toBe("an older result");
    },
    60_000,
  );

  it("makes no folder for what it does not save", async () => {
    const saved = join(folder, "not", "there");
    expect((await callCli(["check", reserved, "--save", saved])).code).toBe(2);
    expect(existsSync(join(folder, "not"))).toBe(false);
  }, 30_000);
});

describe("a run with a result", () => {
  it("puts it in the place of an older one, and the folder of its counterexamples is there", async () => {
    const json = file("older.json", `"${"older ".repeat(100_000)}"`);
    const saved = join(folder, "deep", "saved");
    const { code } = await runCli([
      "check",
      "no-change",
      "--strategy",
      "set-map",
      "--json",
      json,
      "--save",
      saved,
    ]);
    expect(code).toBe(0);
    expect(JSON.parse(readFileSync(json, "utf8"))).toMatchObject({ command: "check", verdict: "clean" });
    expect(readdirSync(saved)).toEqual([]);
  }, 30_000);

  it("finds out before it begins that there is no place for it", async () => {
    const asFile = file("a-file", "");
    const asFolder = join(folder, "a-folder");
    mkdirSync(asFolder);
    for (const [args, words] of [
      [["--json", asFolder], "the file cannot be written"],
      [["--json", join(asFile, "x.json")], "the file cannot be written"],
      [["--save", join(asFile, "saved")], "no folder can be made"],
    ] as const) {
      const { code, stdout, stderr } = await callCli(["check", "no-change", ...args]);
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
      expect(stderr).toContain(words);
    }
  }, 30_000);
});
