import { describe, expect, it } from "vitest";
import { prove } from "../../src/harness/check/prove.ts";
import { decideChanges } from "../../src/harness/index.ts";
import { SCENARIOS, STRATEGIES } from "../../src/vmm/index.ts";

const { sequence, backing } = SCENARIOS.get("pam-2020")!;
const how = { sequence, format: "vtd-ss-48", seed: 1, backing, mutant: null };
const strategy = (name: string) => STRATEGIES.get(name)!;
const changes = sequence.steps.length;

describe("the proof beside a stress run", () => {
  it.each(["legacy", "set-map"])(
    "takes one pass of %s, which does the same each time round",
    async (name) => {
      expect(await prove(how, strategy(name), undefined)).toMatchObject({ passes: 1, changes });
    },
  );

  it("follows vmm-diff until it repeats itself: what it keeps of its extents depends on what it did before", async () => {
    expect(await prove(how, strategy("vmm-diff"), undefined)).toMatchObject({
      passes: 2,
      changes: 2 * changes,
    });
    const steps = { cyclic: true, untilSettled: true, causes: false };
    const pass = (wanted: number) => {
      const own = [...decideChanges(how, strategy("vmm-diff"), ["weak"], steps)].filter(
        (c) => c.pass === wanted,
      );
      return {
        ioctls: own.reduce((n, c) => n + c.ioctls, 0),
        pages: own.flatMap((c) => c.findings).reduce((n, f) => n + f.pages, 0),
      };
    };
    expect(pass(2).ioctls).toBeLessThan(pass(1).ioctls);
    expect(pass(2).pages).toBeLessThan(pass(1).pages);
    expect(pass(3)).toEqual({ ioctls: 0, pages: 0 });
  });

  it("gives up its place in the report when it is interrupted", async () => {
    expect(await prove(how, strategy("set-map"), AbortSignal.abort())).toBeNull();
  });
});
