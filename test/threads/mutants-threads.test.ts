import { describe, expect, it } from "vitest";
import { killMatrix } from "../../src/harness/index.ts";

describe("the kill matrix with device threads", () => {
  it("says what threads met, beside what the checker found", async () => {
    const matrix = await killMatrix({
      ids: ["M05", "M10", "M24", "M35"],
      format: null,
      mode: "weak",
      seed: 1,
      threads: { timeMs: 500, devices: 2 },
      replay: () => "",
    });
    const of = (id: string) => matrix.matrix.find((r) => r.id === id)!;
    for (const id of ["M05", "M10"]) {
      expect(of(id).foundByThreads, id).toEqual([of(id).expected]);
      expect(of(id).caughtBy).toEqual(["checker", "threads"]);
    }
    // What threads cannot see is not run under them.
    for (const id of ["M24", "M35"])
      expect(of(id)).toMatchObject({ foundByThreads: null, caughtBy: ["checker"] });
    expect(matrix.verdict).toBe("clean");
  }, 60_000);
});
