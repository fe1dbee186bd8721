import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { check, inputOf } from "../../src/check/index.ts";
import { parseScript, printScript } from "../../src/edit-script/index.ts";

const page = readFileSync(new URL("../../docs/edit-script.md", import.meta.url), "utf8");
const example = /```edit-script\n([\s\S]*?)```/.exec(page)![1]!;

describe("docs/edit-script.md", () => {
  it("has a worked example that is clean and survives printing", () => {
    const file = parseScript(example, "docs/edit-script.md");
    expect(check(inputOf(file))).toMatchObject({ verdict: "clean", findings: [], mismatch: null });
    expect([...parseScript(printScript(file)).script]).toEqual([...file.script]);
  });

  it("says truly what a narrower invalidation leads to", () => {
    const narrow = "invalidate iova=0x64000 size=0x8000";
    expect(page).toContain(narrow);
    const text = example.replace("invalidate iova=0 size=0x200000", narrow);
    const { findings } = check(inputOf(parseScript(text)));
    expect(findings.map((f) => [f.class, f.cause, f.pages])).toContainEqual(["V06", "under-range", 8]);
  });

  it("names every step the parser knows", () => {
    for (const op of "store storeRun exchange fill gather barrier clean invalidate wait freeTable unpin window setRoot".split(
      " ",
    ))
      expect(page).toContain(`| \`${op}`);
  });
});
