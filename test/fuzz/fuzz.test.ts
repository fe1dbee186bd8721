import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { MUTANTS } from "../../src/check/mutants/index.ts";
import {
  FUZZ_BATCH,
  type FuzzOptions,
  FuzzTotals,
  fuzzCases,
  fuzzReport,
  mapsOf,
  replayFuzzCase,
  runFuzz,
  runFuzzCase,
  SHAPES,
} from "../../src/harness/index.ts";
import { fuzzResultSchema, fuzzToJson, fuzzToTerminal } from "../../src/report/index.ts";
import { mappedPages } from "../../src/vmm/index.ts";

const options = (seed: number, runs: number, mutant: string | null = null): FuzzOptions => ({
  seed,
  runs,
  timeMs: 120_000,
  shrinkMs: 10_000,
  format: null,
  mutant: mutant === null ? null : MUTANTS.get(mutant)!,
});

describe("fuzzing the kernel", () => {
  it.each([20_000, 4_000_000_000])("raises no false alarm from seed %d", async (seed) => {
    const { totals, found, nextSeed, nextSkip } = await runFuzz(options(seed, 80));
    expect(found).toBeNull();
    expect(totals.runs).toBe(80);
    expect(totals.ioctls).toBeGreaterThan(500);
    expect(totals.stores).toBeGreaterThan(10_000);
    expect(nextSeed).toBe(seed + 5);
    expect(nextSkip).toBe(0);
  });

  it("reaches every shape of change, and makes calls of every kind fail for every reason, some after they had begun", async () => {
    const { totals, found } = await runFuzz(options(100, 320));
    expect(found).toBeNull();
    for (const shape of SHAPES) expect(totals.shapes.get(shape) ?? 0, shape).toBeGreaterThan(0);
    expect([...totals.failedSites.keys()].sort()).toEqual([
      "account",
      "bitmap",
      "pin",
      "table",
      "tag",
      "tracking",
    ]);
    const failed = [...totals.failedCalls.values()];
    for (const call of ["set-map", "epoch", "legacy"])
      for (const errno of ["EEXIST", "EINVAL", "ENOMEM"])
        expect(
          failed.find((f) => f.call === call && f.errno === errno)?.count,
          `${call} ${errno}`,
        ).toBeGreaterThan(0);
    for (const f of failed)
      if (f.call === "set-map" || f.call === "epoch") expect(f.withScripts, f.call).toBe(0);
    expect(failed.find((f) => f.call === "dirty-pages" && f.errno === "EFAULT")!.withScripts).toBeGreaterThan(
      0,
    );
    expect(failed.find((f) => f.call === "legacy" && f.errno === "ENOMEM")!.withScripts).toBeGreaterThan(0);
  });

  /** The cases of a run, and where the next one goes on. */
  const casesOf = async (from: Pick<FuzzOptions, "seed" | "skip">, runs: number) => {
    const { totals, nextSeed, nextSkip } = await runFuzz({ ...options(0, runs), ...from });
    return { totals, next: { seed: nextSeed, skip: nextSkip } };
  };

  it.each([
    [1, 19],
    [15, 2],
    [16, 4],
  ])("runs the same %d and %d cases in two runs as in one", async (first, second) => {
    const whole = await casesOf({ seed: 100 }, first + second);
    const begun = await casesOf({ seed: 100 }, first);
    const rest = await casesOf(begun.next, second);
    expect(rest.next).toEqual(whole.next);
    for (const what of ["runs", "ioctls", "scripts", "stores", "classes"] as const)
      expect(begun.totals[what] + rest.totals[what], what).toBe(whole.totals[what]);
  });

  it("goes on with the case that time kept it from", async () => {
    const how = { ...options(100, 40), timeMs: 500 };
    const { totals, nextSeed, nextSkip, partial } = await runFuzz(how);
    expect(partial).toBe(false);
    expect((nextSeed - 100) * FUZZ_BATCH + nextSkip).toBe(totals.runs);
  });

  it("shows a failing case again that was found behind cases left out", async () => {
    const how = { ...options(1, 1000, "M02"), format: "vtd-ss-48" };
    const { found: first, nextSkip } = await runFuzz(how);
    const { found } = await runFuzz({ ...how, seed: first!.seed, skip: nextSkip - 1, runs: 1 });
    expect(found).toEqual(first);
  });

  const late = (mutant: string | null): FuzzTotals => {
    const totals = new FuzzTotals();
    const edits = [{ kind: "cut" as const, start: 1 }, paintedPage];
    const dirty = "nothing" as const;
    const step = { call: "legacy" as const, dirty, refusal: "late" as const, edits, failAt: 0 };
    const drawn = { format: "vtd-ss-48", backing: "fragmented" as const, domains: 1, seed: 1, steps: [step] };
    runFuzzCase(drawn, totals, mutant === null ? null : MUTANTS.get(mutant)!);
    return totals;
  };
  const paintedPage = {
    kind: "paint" as const,
    start: 0,
    pages: 1,
    paint: { backing: "ram", shift: 0, rights: 3 },
  };

  it("decides what a MAP_DMA did before it failed", () => {
    expect([...late(null).failedCalls.values()]).toEqual([
      { call: "legacy", errno: "ENOMEM", count: 1, withScripts: 1 },
    ]);
    /* The rollback of a kernel that does not wait, and of one that unpins too early. */
    expect(() => late("M17")).toThrow(/a pointer to a freed table/);
    expect(() => late("M18")).toThrow(/a frame that is no longer pinned/);
  });

  it("does the same for the same seed", async () => {
    const [first, second] = [await runFuzz(options(7, 40)), await runFuzz(options(7, 40))];
    expect(second.totals).toEqual(first.totals);
  });

  /* Which of its findings a mutant shows first depends on the profiles there are to draw from: so one is named. */
  it.each([
    ...["M01", "M02", "M13", "M18", "M21", "M25"].map((id) => [id, "vtd-ss-48"] as const),
    ...["M28", "M29", "M30"].map((id) => [id, "vtd-ss-48-ad"] as const),
  ])(
    "finds the kernel with %s on %s by its class, shrinks the case and shows it again",
    async (id, format) => {
      const { found } = await runFuzz({ ...options(1, 1000, id), format });
      expect(found).not.toBeNull();
      /* V01b is V01 on a page that changes. */
      expect(found!.kind.replace("V01b", "V01")).toBe(MUTANTS.get(id)!.expected);
      expect(found!.case.steps.length).toBeLessThanOrEqual(3);
      expect(found!.finding).toMatchObject({ class: found!.kind });
      expect(found!.finding!.cause).not.toBeNull();
      const mutant = MUTANTS.get(id)!;
      expect(replayFuzzCase({ format, mutant }, found!.seed, found!.path)).toMatchObject({
        kind: found!.kind,
        message: found!.message,
        case: found!.case,
      });
      expect(replayFuzzCase({ format, mutant: null }, found!.seed, found!.path)).toBeNull();
    },
  );

  /* The machine refuses their scripts before all is done: a context entry without a root, a frame without a pin. */
  it.each([
    ["M26", "V08"],
    ["M34", "V12"],
  ])("names the class of %s although the machine does not survive its scripts", async (id, expected) => {
    const { found } = await runFuzz(options(1, 1000, id));
    expect(found!.kind).toBe(expected);
  });

  it("counts what was done in the call that shows the fault", async () => {
    const how = options(1, 1000, "M01");
    const result = fuzzReport(how, await runFuzz(how), "hitless");
    expect(result.found!.kind.replace("V01b", "V01")).toBe("V01");
    const text = fuzzToTerminal(result, { width: 100 });
    expect(text).toMatch(/^V01b? in the case at 0x/m);
    expect(text).toContain("| kernel ");
    expect(JSON.parse(fuzzToJson(result)).found.finding.events.length).toBeGreaterThan(2);
    expect(result.stores).toBeGreaterThan(0);
    expect(result.shapes.reduce((sum, { count }) => sum + count, 0)).toBeGreaterThan(0);
  });

  it("tells where a fault shows, a single page as one", () => {
    const narrowed = { kind: "rights" as const, start: 0, pages: 1, rights: 1 };
    const step = { call: "set-map" as const, dirty: "nothing" as const, refusal: "none" as const, failAt: 0 };
    const steps = [paintedPage, narrowed].map((edit) => ({ ...step, edits: [edit] }));
    const drawn = { format: "vtd-ss-48", backing: "pop" as const, domains: 1, seed: 1, steps };
    const run = () => runFuzzCase(drawn, new FuzzTotals(), MUTANTS.get("M13")!);
    expect(run).toThrow(/^in step 1, at 0x0, 1 page: /);
  });

  it("notices what only the end state shows: a pin that is never given back", async () => {
    const leak = {
      ...MUTANTS.get("M18")!,
      rewrite: MUTANTS.get("M33")!.rewrite,
    };
    const { found } = await runFuzz({ ...options(1, 1000), mutant: leak });
    expect(found!.kind).toBe("V12");
  });

  it("draws maps that fit the machine, of all kinds", () => {
    let pages = 0;
    let regions = 0;
    fc.assert(
      fc.property(fuzzCases({ format: "vtd-ss-39" }), (drawn) => {
        const maps = mapsOf(drawn);
        expect(maps).toHaveLength(drawn.steps.length);
        for (const map of maps) {
          pages = Math.max(pages, mappedPages(map));
          regions = Math.max(regions, map.regions.length);
          for (const r of map.regions) expect(r.iovaPfn + r.pages).toBeLessThanOrEqual(3 * 2 ** 18);
        }
      }),
      { seed: 1, numRuns: 500 },
    );
    expect(pages).toBeGreaterThan(2 ** 18);
    expect(regions).toBeGreaterThan(100);
  });
});

describe("the report of a fuzz run", () => {
  it("lists what was never reached, and where to go on", async () => {
    const how = options(1, 1);
    const result = fuzzResultSchema.parse(fuzzReport(how, await runFuzz(how), "hitless"));
    expect(result).toMatchObject({ verdict: "clean", runs: 1, seed: 1, skip: 0, found: null });
    expect(result).toMatchObject({ nextSeed: 1, nextSkip: 1 });
    const text = fuzzToTerminal(result);
    expect(text).toMatch(/^Never reached: [\s\S]*merge after edit/m);
    expect(text).toMatch(/^Calls that failed and left everything as it was: /m);
    expect(text).toMatch(/\nGo on with: --seed 1 --skip 1\nVerdict: clean: /);
  });

  it("gives a failing case as a map file and a line that repeats it", async () => {
    const how = options(1, 1000, "M02");
    const result = fuzzReport(how, await runFuzz(how), "hitless");
    expect(result.verdict).toBe("violation");
    const text = fuzzToTerminal(fuzzResultSchema.parse(result));
    expect(text).toMatch(/^V01b?: in step \d/m);
    expect(text).toMatch(/^hitless-map 1$/m);
    expect(text).toMatch(/^Replay: hitless replay [\w-]+$/m);
    expect(text).toMatch(/\nVerdict: violation: V01b?\n$/);
  });

  const interrupted = async (runs: number, timeMs = 120_000) => {
    const interrupt = new AbortController();
    const onProgress = () => interrupt.abort();
    const how = { ...options(1, runs), timeMs, signal: interrupt.signal, onProgress };
    return fuzzReport(how, await runFuzz(how), "hitless");
  };

  it("is inconclusive when it was interrupted, not when all was done by then", async () => {
    const result = await interrupted(1000);
    expect(result).toMatchObject({ verdict: "inconclusive", partial: true, runs: FUZZ_BATCH, nextSeed: 2 });
    expect(fuzzToTerminal(result)).toMatch(
      /\nInterrupted: .*\nGo on with: --seed 2\nVerdict: inconclusive: the run was stopped before its end\n$/,
    );
    expect(await interrupted(FUZZ_BATCH)).toMatchObject({ verdict: "clean", partial: false });
    expect(await interrupted(1000, 60)).toMatchObject({ verdict: "clean", partial: false });
  });

  it("is over when fast-check finds that time is, even where the clock of the run lags behind", async () => {
    const clock = vi.spyOn(performance, "now").mockReturnValue(0);
    try {
      expect(await interrupted(1000, 60)).toMatchObject({ verdict: "clean", partial: false });
    } finally {
      clock.mockRestore();
    }
  });

  it("is inconclusive when nothing was run", async () => {
    const how = { ...options(1, 10), signal: AbortSignal.abort() };
    expect(fuzzReport(how, await runFuzz(how), "hitless")).toMatchObject({
      verdict: "inconclusive",
      partial: true,
    });
  });
});
