import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { check, inputOf } from "../../src/check/index.ts";
import { callScripts, parseRecording, printRecording, type Recording } from "../../src/edit-script/index.ts";

const folder = new URL("../data/scripts/recorded/", import.meta.url);
const names = readdirSync(folder).sort();
const textOf = (name: string): string => readFileSync(new URL(name, folder), "utf8");
const commentIn = (text: string, key: string): string | undefined =>
  new RegExp(`^# ${key}: (.+)$`, "m").exec(text)?.[1];

/** "call 3: V06 under-range; call 4: …", or "clean". */
function verdictOf(recording: Recording): string {
  const broken: string[] = [];
  let call = 0;
  for (const file of callScripts(recording)) {
    call++;
    const { findings, mismatch } = check(inputOf(file));
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

  it("stand for more than one call each", () => {
    const calls = names.map((name) => parseRecording(textOf(name), name).calls.length);
    expect(Math.min(...calls)).toBeGreaterThanOrEqual(2);
  });
});
