import { existsSync, readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type CheckCase, type DecidedChange, decideChanges, runCheck } from "../../src/harness/index.ts";
import {
  loadInput,
  type MapRegion,
  type MapSequence,
  type MemoryMap,
  SCENARIOS,
  STRATEGIES,
} from "../../src/vmm/index.ts";

const captures = new URL("../data/qemu/", import.meta.url).pathname;
const bundled = new URL("../../data/qemu/pc-seabios-boot", import.meta.url).pathname;
const recorded: [string, MapSequence][] = [
  ["pc-seabios-boot", loadInput(bundled)],
  ...readdirSync(captures)
    .filter((name) => existsSync(`${captures}${name}/sequence.tsv`))
    .map((name): [string, MapSequence] => [name, loadInput(captures + name)]),
];
const checkCase = (sequence: MapSequence, backing: CheckCase["backing"] = "thp"): CheckCase => ({
  sequence,
  format: "vtd-ss-48",
  seed: 1,
  backing,
  mutant: null,
});
const strategy = (name: string) => STRATEGIES.get(name)!;

const isSame = (a: MapRegion, b: MapRegion): boolean =>
  a.iovaPfn === b.iovaPfn && a.pages === b.pages && backs(a, b);
const backs = (a: MapRegion, b: MapRegion): boolean =>
  a.backing === b.backing && a.rights === b.rights && a.iovaPfn - a.offsetPages === b.iovaPfn - b.offsetPages;

/** The pages QEMU's listener takes away although both maps have them, from the two maps alone: whole ranges that differ. */
function keptButDeleted(old: MemoryMap, next: MemoryMap): string[] {
  const ranges: [number, number][] = [];
  for (const gone of old.regions.filter((o) => !next.regions.some((n) => isSame(o, n))))
    for (const n of next.regions.filter((other) => backs(gone, other))) {
      const start = Math.max(gone.iovaPfn, n.iovaPfn);
      const end = Math.min(gone.iovaPfn + gone.pages, n.iovaPfn + n.pages);
      if (start < end) ranges.push([start, end]);
    }
  return joined(ranges);
}

function joined(ranges: readonly (readonly [number, number])[]): string[] {
  const result: [number, number][] = [];
  for (const [start, end] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const last = result.at(-1);
    if (last !== undefined && start <= last[1]) last[1] = Math.max(last[1], end);
    else result.push([start, end]);
  }
  return result.map(([start, end]) => `${start}-${end}`);
}

/** The finding is explained by a store of one call that takes its page away and one of a later call that brings it back. */
function expectGapBetweenCalls(change: DecidedChange, f: DecidedChange["findings"][number]): void {
  const { calls } = change.input;
  expect(calls!.count).toBe(change.ioctls);
  expect(f.cause).toBe("plan");
  const kernel = f.events.filter((e) => e.who === "kernel");
  const taken = kernel.find((e) => e.step === f.causeStep)!;
  const back = kernel.at(-1)!;
  expect(taken.call).toMatch(/^call \d+ of \d+: UNMAP_DMA iova=/);
  expect(back.call).toMatch(/^call \d+ of \d+: MAP_DMA iova=/);
  expect(taken.step).toBeLessThan(back.step);
}

describe("deciding every change of what QEMU was recorded to do", () => {
  it("has the bundled boot and at least seven captures to look at", () => {
    expect(recorded.length).toBeGreaterThanOrEqual(8);
  });

  it.each(recorded)("set-map is clean at every step in both memory orders: %s", (_, sequence) => {
    let changes = 0;
    for (const change of decideChanges(checkCase(sequence), strategy("set-map"), ["strong", "weak"])) {
      expect(change.findings, `change ${change.step}`).toEqual([]);
      expect(change.ioctls).toBe(1);
      changes++;
    }
    expect(changes).toBe(sequence.steps.length - 1);
  });

  it.each(recorded)("legacy is flagged on exactly the ranges that were kept: %s", (_, sequence) => {
    let flagged = 0;
    for (const change of decideChanges(checkCase(sequence), strategy("legacy"), ["weak"], {
      causes: false,
    })) {
      const old = sequence.steps[change.step - 1]!.map;
      const v01 = change.findings.filter((f) => f.class === "V01");
      const found = joined(v01.flatMap((f) => f.ranges.map((r) => [r.start, r.end] as const)));
      expect(found, `change ${change.step}`).toEqual(keptButDeleted(old, change.to.map));
      expect(change.findings.filter((f) => f.class !== "V01" && f.class !== "V01b")).toEqual([]);
      for (const f of change.findings) expectGapBetweenCalls(change, f);
      flagged += v01.reduce((sum, f) => sum + f.pages, 0);
    }
    expect(flagged).toBeGreaterThan(0);
  });

  it("vmm-diff loses pages between its calls, too, and nowhere else", () => {
    let found = 0;
    for (const change of decideChanges(checkCase(loadInput(bundled)), strategy("vmm-diff"), ["weak"]))
      for (const f of change.findings) {
        expect(["V01", "V01b"]).toContain(f.class);
        expectGapBetweenCalls(change, f);
        found++;
      }
    expect(found).toBeGreaterThan(0);
  });

  it.each([...SCENARIOS.values()].map((s) => [s.name, s] as const))(
    "set-map is clean on the way through %s and back",
    (_, { sequence, backing }) => {
      for (const format of ["vtd-ss-48", "vtd-ss-39-cm", "vtd-ss-57-nc"])
        for (const change of decideChanges(
          { ...checkCase(sequence, backing), format },
          strategy("set-map"),
          ["weak"],
          { cyclic: true },
        ))
          expect(change.findings, `${format}, change ${change.step}`).toEqual([]);
    },
  );
});

describe("the sum of a check run", () => {
  it("adds what legacy loses up to what the stress run measures on the same boot", async () => {
    const result = await runCheck({
      ...checkCase(loadInput(bundled)),
      input: "boot",
      strategies: [strategy("legacy"), strategy("set-map")],
      modes: ["weak"],
      replay: () => "",
    });
    expect(result.verdict).toBe("clean");
    expect(result.violations).toEqual([]);
    const [legacy, setMap] = result.strategies;
    expect(legacy!.baseline).toBe(true);
    const lost = legacy!.violations
      .filter((v) => v.class === "V01")
      .reduce((sum, v) => sum + v.ranges.reduce((n, r) => n + r.bytes, 0) * v.changes.length, 0);
    expect(lost).toBe(32_206_376_960);
    expect(setMap).toMatchObject({ changes: 29, ioctls: 29, violations: [], crash: null });
    expect(setMap!.stores).toBeGreaterThan(1000);
    expect(setMap!.schedules).toBeGreaterThan(1e9);
  });

  it("lets legacy decide when it is alone", async () => {
    const { sequence, backing } = SCENARIOS.get("pam-2020")!;
    const result = await runCheck({
      ...checkCase(sequence, backing),
      input: "pam-2020",
      strategies: [strategy("legacy")],
      modes: ["weak"],
      replay: () => "line",
    });
    expect(result.verdict).toBe("violation");
    expect(result.violations[0]).toMatchObject({ strategy: "legacy", replay: "line" });
  });

  it("decides a single map as the change from nothing", async () => {
    const { sequence, backing } = SCENARIOS.get("pam-2020")!;
    const one = { ...sequence, steps: sequence.steps.slice(0, 1) };
    const result = await runCheck({
      ...checkCase(one, backing),
      input: "one",
      strategies: [strategy("set-map")],
      modes: ["strong", "weak"],
      replay: () => "",
    });
    expect(result).toMatchObject({ verdict: "clean", maps: 1 });
    expect(result.strategies[0]).toMatchObject({ changes: 1, ioctls: 1, scripts: 1 });
    expect(result.strategies[0]!.stores).toBeGreaterThan(0);
  });

  it("is inconclusive when stopped early and nothing was found", async () => {
    const result = await runCheck({
      ...checkCase(loadInput(bundled)),
      input: "boot",
      strategies: [strategy("set-map")],
      modes: ["weak"],
      replay: () => "",
      signal: AbortSignal.abort(),
    });
    expect(result).toMatchObject({ verdict: "inconclusive", partial: true, strategies: [] });
  });
});
