import { describe, expect, it } from "vitest";
import { check, inputOf } from "../../src/check/index.ts";
import { parseScript } from "../../src/edit-script/index.ts";
import { CORRECT_SCRIPTS, type CorrectScript } from "./correct-scripts.ts";

const decide = ({ head }: CorrectScript, steps: readonly string[]): string[] =>
  check(inputOf(parseScript(head + steps.join("\n")))).findings.map((f) => f.class);

/** Each script with one step deleted, or two neighbours swapped. */
function* variants({ steps }: CorrectScript): Generator<{ name: string; steps: string[] }> {
  for (let i = 0; i < steps.length; i++) yield { name: `- ${i + 1}`, steps: steps.toSpliced(i, 1) };
  for (let i = 0; i + 1 < steps.length; i++)
    yield { name: `${i + 1} <> ${i + 2}`, steps: steps.toSpliced(i, 2, steps[i + 1]!, steps[i]!) };
}

describe("completeness of the rules", () => {
  for (const script of CORRECT_SCRIPTS)
    it(`${script.name}: every deletion and swap is flagged or redundant for a reason`, () => {
      expect(decide(script, script.steps)).toEqual([]);
      const survivors: string[] = [];
      for (const variant of variants(script))
        if (decide(script, variant.steps).length === 0) survivors.push(variant.name);
      expect(survivors).toEqual(Object.keys(script.redundant));
    });
});
