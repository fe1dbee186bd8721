import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { callInputs, check, type Finding, inputOf } from "../../src/check/index.ts";
import { parseScript, type ScriptFile } from "../../src/edit-script/index.ts";
import { isRepeatable, repeated, repeatedInCalls } from "./repeated-script.ts";

/** More than are looked into one by one, and than a page's history may have steps of. */
const MANY = 100;

/** So many that one of them changes little of the map. */
const CALLS = 20;

/** The classes with their causes, and how many pages each class has. */
function foundIn(file: ScriptFile) {
  const { findings, mismatch } = check(inputOf(file));
  expect(mismatch).toBeNull();
  const pages = new Map<string, number>();
  for (const found of findings) pages.set(found.class, (pages.get(found.class) ?? 0) + found.pages);
  // However long the script, what shows a fault of one copy is short.
  for (const { events } of findings) expect(events.length).toBeLessThan(30);
  return { named: namedIn(findings), pages };
}

const namedIn = (findings: readonly Finding[]): string[] =>
  [...new Set(findings.map((f) => `${f.class} ${f.cause}`))].sort();

/** Of the last copy other things can be true than of the others, which later ones follow: so three and four tell of any number. */
function expectSameOfMany(file: ScriptFile, isInterleaved: boolean): void {
  const [three, four, many] = [3, 4, MANY].map((copies) => foundIn(repeated(file, copies, isInterleaved)));
  expect(many!.named).toEqual(three!.named);
  for (const [kind, pages] of three!.pages) {
    const each = four!.pages.get(kind)! - pages;
    expect(many!.pages.get(kind)).toBe(pages + (MANY - 3) * each);
  }
}

describe.each(["faults", "legal"])("a script of test/data/scripts/%s", (folder) => {
  const path = fileURLToPath(new URL(`../data/scripts/${folder}/`, import.meta.url));
  const files = readdirSync(path)
    .filter((name) => name.endsWith(".script"))
    .map((name) => [name, parseScript(readFileSync(path + name, "utf8"), name)] as const)
    .filter(([, file]) => isRepeatable(file));

  it("can be repeated, in most cases", () => {
    expect(files.length).toBeGreaterThan(40);
  });

  it.each(files.filter(([, file]) => file.pins === null))(
    "%s shows in each call of a recording what it shows alone",
    (_, file) => {
      const alone = [...foundIn(repeated(file, 1, false)).named];
      const calls = [...callInputs(repeatedInCalls(file, CALLS))].map(({ input }) =>
        namedIn(check(input).findings),
      );
      expect(calls).toEqual(Array.from({ length: CALLS }, () => alone));
    },
  );

  it.each(files)("%s shows on many copies what it shows on three, with the same causes", (_, file) => {
    expectSameOfMany(file, false);
    expectSameOfMany(file, true);
  });
});
