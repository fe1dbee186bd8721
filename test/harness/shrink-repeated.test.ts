import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { check, inputOf } from "../../src/check/index.ts";
import { parseScript } from "../../src/edit-script/index.ts";
import { shrinkScript } from "../../src/harness/index.ts";
import { isRepeatable, repeated } from "../check/repeated-script.ts";

const COPIES = 30;
/** Most are small after the first few; to go on from there is for other tests. */
const BUDGET = { timeMs: 60_000, trials: 120 };
const FOLDER = fileURLToPath(new URL("../data/scripts/faults/", import.meta.url));

const files = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".script"))
  .map((name) => [name, parseScript(readFileSync(FOLDER + name, "utf8"), name)] as const)
  .filter(([, file]) => isRepeatable(file));

describe("many copies of a script with a fault, one after the other", () => {
  it("are there", () => {
    expect(files.length).toBeGreaterThan(60);
  });

  it.each(files)("are made as small as one of them: %s", (_, file) => {
    const many = repeated(file, COPIES, false);
    const [first] = check(inputOf(many), { causes: false }).findings;
    if (first === undefined) return;
    const shrunk = shrinkScript(many, first.class, { mode: "weak" }, BUDGET);
    expect(shrunk.file.script.steps).toBeLessThanOrEqual(2 * file.script.steps);
    expect(check(inputOf(shrunk.file)).findings.map((f) => f.class)).toContain(first.class);
  });
});
