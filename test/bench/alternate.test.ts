import { describe, expect, it } from "vitest";
import { measureRow, median } from "../../bench/alternate.ts";
import type { Goal, Row } from "../../bench/row.ts";
import type { Yardstick } from "../../bench/yardstick.ts";

/** A C build that answers the given figures one after the other, the first for the warm-up. */
const fakeBuild = (build: string, answers: number[][]): Yardstick => {
  let at = 0;
  return { build, ask: async () => answers[at++]! } as unknown as Yardstick;
};

const rowOf = (goal: Goal, ours: number[]): Row => {
  let at = 0;
  return {
    group: "sample",
    yardstick: "sample",
    figures: [{ name: "sample", unit: "ns/op", goal, yardstickAnswer: 0 }],
    prepare: () => ({ sample: () => [ours[at++]!] }),
  };
};

describe("measuring a row", () => {
  it("compares each round with the C build of the smaller median", async () => {
    const builds = [
      fakeBuild("cc -O2", [[1], [10], [20], [30]]),
      fakeBuild("cc -O3", [[1], [8], [16], [40]]),
    ];
    const [figure] = await measureRow(rowOf({ kind: "ratio", atMost: 2 }, [1, 16, 48, 40]), builds, 3);
    expect(figure).toMatchObject({
      cBuild: "cc -O3",
      c: 16,
      ours: 40,
      ratio: 2,
      ratioOfMinima: 2,
      rounds: 3,
      met: true,
    });
  });

  it("misses a goal by the median of the ratios, not by one lucky round", async () => {
    const builds = [fakeBuild("cc -O2", [[1], [10], [10], [10]])];
    const [figure] = await measureRow(rowOf({ kind: "ratio", atMost: 2 }, [1, 5, 25, 25]), builds, 3);
    expect(figure).toMatchObject({ ratio: 2.5, ratioOfMinima: 0.5, met: false });
  });

  it("measures no ratio and judges no ratio goal without a C compiler", async () => {
    const [figure] = await measureRow(rowOf({ kind: "ratio", atMost: 2 }, [1, 5, 6, 7]), [], 3);
    expect(figure).toMatchObject({ ours: 6, c: null, ratio: null, ratioOfMinima: null, met: null });
  });

  it("judges an absolute goal without a C compiler", async () => {
    const [figure] = await measureRow(rowOf({ kind: "value", atLeast: 7 }, [1, 5, 6, 7]), [], 3);
    expect(figure).toMatchObject({ ours: 6, met: false });
  });

  it("takes the lower middle of an even number of values as median", () => {
    expect(median([4, 1, 3, 2])).toBe(2);
  });
});
