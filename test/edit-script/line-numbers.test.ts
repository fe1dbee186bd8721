import { describe, expect, it } from "vitest";
import { EditScript, parseScript } from "../../src/edit-script/index.ts";
import { LineNumbers } from "../../src/edit-script/line-numbers.ts";
import { pfn } from "../../src/units/index.ts";

describe("what long recordings are held in", () => {
  it("keeps the lines of all steps, in order, however many there are", () => {
    const lines = new LineNumbers();
    const noted = Array.from({ length: 1000 }, (_, i) => 3 * i + 1);
    for (const line of noted) lines.push(line);
    expect(lines.list()).toEqual(noted);
    expect([lines.length, lines.at(0), lines.at(999)]).toEqual([1000, 1, 2998]);
    const head = "hitless-edit-script 1 vtd-ss-48\ndomain 1 root=0x100000000\n";
    const { script, stepLines } = parseScript(`${head}${"barrier\n\n".repeat(500)}`);
    expect([script.steps, stepLines.length, stepLines[0], stepLines[499]]).toEqual([500, 500, 3, 1001]);
  });

  it("holds the same steps in a script with room for more or for fewer", () => {
    const scripts = [0, 2, 1000].map((room) => {
      const script = new EditScript();
      script.barrier();
      script.makeRoom(room);
      for (let i = 0; i < 10; i++) script.store(0, pfn(7), i, i, 0);
      return script.words;
    });
    expect(scripts[1]).toEqual(scripts[0]);
    expect(scripts[2]).toEqual(scripts[0]);
  });

  it("numbers the updates that are 0 behind the others, but for those that are to stay", () => {
    const script = new EditScript();
    for (const update of [0, 4, 0, 0]) script.store(update, pfn(7), 0, 0, 0);
    script.barrier();
    script.numberUpdates(5, new Set([16]));
    expect([...script].map((step) => ("update" in step ? step.update : null))).toEqual([5, 4, 0, 6, null]);
    expect(script.newUpdate()).toBe(7);
  });
});
