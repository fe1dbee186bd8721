import { spawnSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WrongOutcome } from "../../bench/row.ts";
import { startYardsticks, type Yardsticks } from "../../bench/yardstick.ts";

const hasCompiler = spawnSync("cc", ["--version"]).status === 0;

describe.skipIf(!hasCompiler)("the C yardstick", () => {
  let yardsticks: Yardsticks;
  beforeAll(() => {
    yardsticks = startYardsticks();
  });
  afterAll(() => yardsticks.close());

  it("is built twice, with -O2 and with -O3", () => {
    expect(yardsticks.builds.map((b) => b.build)).toEqual(["cc -O2", "cc -O3"]);
    expect(yardsticks.compiler).toMatch(/\d/);
  });

  it.each(["walk 65536", "map", "split", "store", "diff 10", "diff 1000", "threads"])(
    "answers '%s' with a time after checking its own work",
    async (command) => {
      const [ns] = await yardsticks.builds[0]!.ask(command);
      expect(ns).toBeGreaterThan(0);
    },
  );

  it("refuses a row it does not know", async () => {
    await expect(yardsticks.builds[0]!.ask("teleport")).rejects.toThrow(WrongOutcome);
  });
});
