import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { check, inputOf } from "../../src/check/index.ts";
import { parseScript } from "../../src/edit-script/index.ts";

/**
 * Scripts written by hand, from the rules and not from what the checker says about them. A line `# expect:` names the
 * classes with their causes, or `clean`; it holds in weak mode. In strong mode the same is left without V15, and
 * without what is missing (V05) for want of a barrier. Two faults close to each other are named each for itself where a script has them
 * once; of hundreds of such pairs one name may stand for both, so that those are not repeated as the others are. A line that ends in
 * `# blamed` is the cause of all that is found.
 */
const FOLDERS = [
  ["faults", 20],
  ["legal", 20],
  ["two-faults", 3],
] as const;
const folderOf = (name: string): string =>
  fileURLToPath(new URL(`../data/scripts/${name}/`, import.meta.url));

const scriptsIn = (name: string): string[] =>
  readdirSync(folderOf(name)).filter((file) => file.endsWith(".script"));

function expectedIn(text: string): string[] {
  const line = /^# expect: (.+)$/m.exec(text)?.[1];
  if (line === undefined) throw new Error('no line "# expect: …"');
  return line === "clean" ? [] : line.split(", ").sort();
}

function verdictOn(text: string, name: string, mode: "weak" | "strong"): string[] {
  const { findings, mismatch } = check(inputOf(parseScript(text, name)), { mode });
  expect(mismatch).toBeNull();
  return [...new Set(findings.map((f) => `${f.class} ${f.cause}`))].sort();
}

describe.each(FOLDERS)("scripts in test/data/scripts/%s", (folder, least) => {
  const files = scriptsIn(folder);

  it("are there", () => {
    expect(files.length).toBeGreaterThanOrEqual(least);
  });

  it.each(files)("%s is judged as its comment says", (name) => {
    const text = readFileSync(folderOf(folder) + name, "utf8");
    const expected = expectedIn(text);
    expect(expected.length > 0).toBe(folder !== "legal");
    if (folder === "two-faults") expect(expected.length).toBeGreaterThan(1);
    expect(verdictOn(text, name, "weak")).toEqual(expected);
    const inStrong = expected.filter((e) => !/^V15|^V05 no-(barrier|clean)$/.test(e));
    expect(verdictOn(text, name, "strong")).toEqual(inStrong);
  });
});

/** The line that is wrong, or behind which one is missing, where a script says which; 0 where it does not. */
const blamedIn = (text: string): number =>
  text.split("\n").findIndex((line) => line.endsWith("# blamed")) + 1;

describe("the line that a script in test/data/scripts/faults marks", () => {
  const marked = scriptsIn("faults")
    .map((name) => ({ name, text: readFileSync(folderOf("faults") + name, "utf8") }))
    .filter(({ text }) => blamedIn(text) > 0);

  it("is there", () => {
    expect(marked.length).toBeGreaterThan(15);
  });

  it.each(marked)("is named as the cause, and shown: $name", ({ name, text }) => {
    const file = parseScript(text, name);
    const { findings } = check(inputOf(file));
    const lines = findings.map(({ causeStep }) => file.stepLines[causeStep - 1] ?? 0);
    expect(new Set(lines)).toEqual(new Set([blamedIn(text)]));
    for (const { events, causeStep } of findings)
      expect(events.some(({ who, step }) => who === "kernel" && step === causeStep)).toBe(true);
  });
});

describe("the counterexample of a script in test/data/scripts/faults", () => {
  it.each(scriptsIn("faults"))("%s shows what is met, and the release that makes it one", (name) => {
    const text = readFileSync(folderOf("faults") + name, "utf8");
    for (const { class: kind, met, events } of check(inputOf(parseScript(text, name))).findings) {
      if (kind === "V12") expect(events).toEqual([]);
      else if (kind === "V10" || met.startsWith("no dirty bit"))
        expect(events.at(-1)).toMatchObject({ who: "device", text: `after the return: ${met}` });
      else if (kind === "V11") {
        const met = events.filter(({ text }) => text.endsWith(" map says")).map(({ text }) => text);
        expect(met).toEqual([
          expect.stringMatching(/ at IOVA 0x\w+, as the new map says$/),
          expect.stringMatching(/ at IOVA 0x\w+, as the old map says$/),
        ]);
        expect(events.at(-1)!.text).toBe(met[1]);
      } else expect(events.some((e) => e.who === "device" && e.text.startsWith(`meets ${met}`))).toBe(true);
      if (kind === "V06")
        expect(events.some((e) => e.who === "kernel" && e.text.startsWith("unpin "))).toBe(true);
    }
  });
});
