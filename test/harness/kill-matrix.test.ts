import { describe, expect, it } from "vitest";
import { CATALOGUE, MUTANTS } from "../../src/check/mutants/index.ts";
import { type KillMatrixOptions, killMatrix } from "../../src/harness/index.ts";
import { judgeScriptMutant } from "../../src/harness/mutants/judge-mutant.ts";
import { SCENARIOS } from "../../src/vmm/index.ts";

const run = (options: Partial<KillMatrixOptions> = {}) =>
  killMatrix({
    ids: [],
    format: null,
    mode: "weak",
    seed: 1,
    threads: null,
    replay: (id) => `hitless mutants ${id}`,
    ...options,
  });

describe("a mutant away from its own scenario", () => {
  it("has one name where edits follow the wrong split: M05 is V02 plan at a 1 GiB boundary, and no V09 beside it", () => {
    const scenario = SCENARIOS.get("boundary-1g")!;
    const how = { scenario, format: "vtd-ss-48", mode: "weak" as const, seed: 1 };
    const { findings, changes } = judgeScriptMutant(MUTANTS.get("M05")!, how);
    expect(changes).toBeGreaterThan(0);
    expect(new Set(findings.map((f) => `${f.class} ${f.cause}`))).toEqual(new Set(["V02 plan"]));
  });
});

describe("the kill matrix", () => {
  it("shows every mutant killed by its class and only it, or equivalent for a reason", async () => {
    const matrix = await run();
    expect(matrix.matrix.map((r) => r.id)).toEqual(CATALOGUE.map(({ mutant }) => mutant.id));
    for (const r of matrix.matrix) {
      expect(r.found, `${r.id}: ${r.findings.join("\n")}`).toEqual(r.equivalent === null ? [r.expected] : []);
      if (r.kind !== "not-carried") expect(r.changes, r.id).toBeGreaterThan(0);
    }
    expect(matrix.controls.length).toBeGreaterThan(8);
    for (const control of matrix.controls) expect(control.found, control.scenario).toEqual([]);
    expect(matrix).toMatchObject({ verdict: "clean", killed: 45, killable: 45, specificity: 1 });
  }, 60_000);

  it("names the cause as well, so that mutants of one class are told apart", async () => {
    const causes = async (id: string) => (await run({ ids: [id] })).matrix[0]!.causes;
    expect(await causes("M13")).toContain("V04 missing-inv");
    expect(await causes("M14")).toEqual(["V04 under-range"]);
    expect(await causes("M15")).toEqual(["V04 wrong-tag"]);
    expect(await causes("M15b")).toEqual(["V04 wrong-tag"]);
    expect(await causes("M17")).toEqual(["V04 no-wait"]);
    expect(await causes("M17b")).toEqual(["V04 no-wait"]);
    expect(await causes("M18")).toEqual(["V06 early-unpin"]);
    expect(await causes("M19")).toEqual(["V04 no-ATC"]);
    expect(await causes("M19b")).toEqual(["V06 no-drain"]);
    expect(await causes("M21")).toEqual(["V07 early-free"]);
    expect(await causes("M22")).toEqual(["V07 wrong-scope"]);
    expect(await causes("M28")).toEqual(["V10 split-store"]);
    expect(await causes("M29")).toEqual(["V10 copy"]);
    expect(await causes("M30")).toEqual(["V10 missing-inv"]);
    expect(await causes("M31")).toEqual(["V15 no-barrier"]);
    expect(await causes("M33")).toEqual(["V12 leak"]);
  }, 30_000);

  it.each(["vtd-ss-39", "vtd-ss-48-cm", "vtd-ss-48-nc", "vtd-ss-48-ad"])(
    "is clean on %s as well",
    async (format) => {
      const { verdict, matrix } = await run({ format });
      expect(matrix.filter((r) => r.result !== "killed" && r.result !== "equivalent")).toEqual([]);
      expect(verdict).toBe("clean");
      const m20 = matrix.find((r) => r.id === "M20")!;
      expect(m20.result).toBe(format.endsWith("-cm") ? "killed" : "equivalent");
    },
    60_000,
  );

  it("calls a missing barrier equivalent in strong memory order", async () => {
    const { matrix, verdict } = await run({ ids: ["M31"], mode: "strong" });
    expect(matrix[0]).toMatchObject({
      found: [],
      result: "equivalent",
      equivalent: expect.stringMatching(/order/),
    });
    expect(verdict).toBe("clean");
  });

  it("is inconclusive when nothing was run", async () => {
    expect(await run({ ids: ["M09", "M27c"] })).toMatchObject({
      verdict: "inconclusive",
      killable: 0,
      killed: 0,
    });
  });

  it("runs only what is asked for and stops when interrupted", async () => {
    expect((await run({ ids: ["M05", "M39b"] })).matrix.map((r) => r.id)).toEqual(["M05", "M39b"]);
    const interrupt = new AbortController();
    const stopped = await run({
      signal: interrupt.signal,
      onProgress: (share) => share > 0 && interrupt.abort(),
    });
    expect(stopped).toMatchObject({ partial: true, verdict: "inconclusive" });
    expect(stopped.matrix).toHaveLength(1);
  });
});
