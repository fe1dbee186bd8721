import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { callInputs, check, inputOf } from "../../src/check/index.ts";
import {
  parseRecording,
  parseScript,
  printRecording,
  printScript,
  type Recording,
} from "../../src/edit-script/index.ts";

const folder = new URL("../data/scripts/recorded/", import.meta.url);
const names = readdirSync(folder).sort();
const textOf = (name: string): string => readFileSync(new URL(name, folder), "utf8");
const commentIn = (text: string, key: string): string | undefined =>
  new RegExp(`^# ${key}: (.+)$`, "m").exec(text)?.[1];

/** "call 3: V06 under-range; call 4: …", or "clean". */
function verdictOf(recording: Recording): string {
  const broken: string[] = [];
  let call = 0;
  for (const { input } of callInputs(recording)) {
    call++;
    const { findings, mismatch } = check(input);
    expect(mismatch, `tables of call ${call}`).toBeNull();
    const found = new Set(findings.map((f) => `${f.class} ${f.cause}`));
    if (found.size > 0) broken.push(`call ${call}: ${[...found].sort().join(", ")}`);
  }
  return broken.length === 0 ? "clean" : broken.join("; ");
}

describe("recordings of other page-table code", () => {
  it("are of sound drivers and of broken ones, and each says which", () => {
    const expected = names.map((name) => commentIn(textOf(name), "Expected"));
    expect(expected.filter((verdict) => verdict === "clean").length).toBeGreaterThanOrEqual(5);
    expect(expected.filter((verdict) => verdict?.startsWith("call ")).length).toBeGreaterThanOrEqual(5);
    for (const name of names) expect(commentIn(textOf(name), "Imitates"), name).toBeDefined();
  });

  it.each(names)("%s is judged as it says", (name) => {
    const text = textOf(name);
    const recording = parseRecording(text, name);
    expect(verdictOf(recording)).toBe(commentIn(text, "Expected"));
    expect(verdictOf(parseRecording(printRecording(recording), name)), "printed and read again").toBe(
      commentIn(text, "Expected"),
    );
  });

  it("show what an earlier call made known also as a script that stands alone", () => {
    const recording = parseRecording(textOf("protected-then-stored-over.script"));
    const [, , third] = [...callInputs(recording)];
    const shown = check(third!.input).findings;
    const alone = check(inputOf(parseScript(printScript(third!.alone())))).findings;
    for (const findings of [shown, alone])
      expect(findings.map((f) => [f.class, f.page, f.met])).toEqual([
        ["V10", 0, "no dirty bit for a page that was written: a store overwrites it"],
      ]);
    expect(shown[0]!.events[0]!.text).toBe(
      "has written IOVA 0x0 in an earlier call: D is 1 in 0x100002000[0]",
    );
    expect(check(inputOf(third!.file)).findings).toEqual([]);
  });

  it("stand for more than one call each", () => {
    const calls = names.map((name) => parseRecording(textOf(name), name).calls.length);
    expect(Math.min(...calls)).toBeGreaterThanOrEqual(2);
  });
});
