import { existsSync, readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { LostTranslations, visitAbsent } from "../../src/harness/stress/lost-translations.ts";
import { StressMachine } from "../../src/harness/stress/machine.ts";
import { meteringPass, type PassCounts } from "../../src/harness/stress/metering-pass.ts";
import type { StressOptions } from "../../src/harness/stress/options.ts";
import { iovaPfn } from "../../src/units/index.ts";
import {
  type BackingKind,
  loadInput,
  type MapRegion,
  type MapSequence,
  SCENARIOS,
  STRATEGIES,
} from "../../src/vmm/index.ts";

const options = (sequence: MapSequence, backing: BackingKind, format = "vtd-ss-48"): StressOptions => ({
  sequence,
  input: sequence.name,
  strategies: [],
  format,
  seed: 1,
  timeMs: 1,
  devices: 1,
  backing,
  perturb: false,
  mutant: null,
  replay: () => "",
});

const meter = async (strategy: string, run: StressOptions): Promise<PassCounts> => {
  const counts = await meteringPass(new StressMachine(run, STRATEGIES.get(strategy)!), run);
  expect(counts).not.toBeNull();
  return counts!;
};

const isSame = (a: MapRegion, b: MapRegion): boolean =>
  a.iovaPfn === b.iovaPfn && a.pages === b.pages && backs(a, b);
const backs = (a: MapRegion, b: MapRegion): boolean =>
  a.backing === b.backing && a.rights === b.rights && a.iovaPfn - a.offsetPages === b.iovaPfn - b.offsetPages;

/**
 * The bytes QEMU's listener loses, from the maps alone: a flat range that is not in the next view exactly as it was is
 * deleted, and what of it the next view still has was lost in between.
 */
function bytesTheListenerLoses(sequence: MapSequence): number {
  let pages = 0;
  for (let i = 1; i < sequence.steps.length; i++) {
    const old = sequence.steps[i - 1]!.map.regions;
    const next = sequence.steps[i]!.map.regions;
    for (const gone of old.filter((o) => !next.some((n) => isSame(o, n))))
      for (const n of next.filter((other) => backs(gone, other))) {
        const start = Math.max(gone.iovaPfn, n.iovaPfn);
        const end = Math.min(gone.iovaPfn + gone.pages, n.iovaPfn + n.pages);
        pages += Math.max(0, end - start);
      }
  }
  return pages * 4096;
}

const captures = new URL("../data/qemu/", import.meta.url).pathname;
const bundled = new URL("../../data/qemu/pc-seabios-boot", import.meta.url).pathname;
const inputs: [string, MapSequence, BackingKind][] = [
  ["pc-seabios-boot", loadInput(bundled), "thp"],
  ...[...SCENARIOS.values()].map((s): [string, MapSequence, BackingKind] => [s.name, s.sequence, s.backing]),
  ...readdirSync(captures)
    .filter((name) => existsSync(`${captures}${name}/sequence.tsv`))
    .map((name): [string, MapSequence, BackingKind] => [
      `capture ${name}`,
      loadInput(captures + name),
      "thp",
    ]),
];

describe("kept bytes lost, measured in the tables", () => {
  it("is asked of the bundled capture, every scenario and at least seven captures", () => {
    expect(inputs.length).toBeGreaterThanOrEqual(1 + 9 + 7);
  });

  it.each(inputs)(
    "equals the listener rule for legacy and is 0 for set-map: %s",
    async (_, sequence, backing) => {
      const legacy = await meter("legacy", options(sequence, backing));
      const setMap = await meter("set-map", options(sequence, backing));
      expect(legacy.keptBytesLost).toBe(bytesTheListenerLoses(sequence));
      expect(setMap.keptBytesLost).toBe(0);
      expect(setMap.firstLostPage).toBeNull();
      for (const counts of [legacy, setMap]) expect(counts.changes).toBe(sequence.steps.length - 1);
      expect(setMap.ioctls).toBe(setMap.changes);
      expect(setMap.pagesPinned - setMap.pagesUnpinned).toBe(legacy.pagesPinned - legacy.pagesUnpinned);
    },
  );

  it.each(["pop", "fragmented", "thp", "huge2m", "huge1g"] as const)(
    "does not depend on what guest RAM is made of: %s",
    async (backing) => {
      const { sequence } = SCENARIOS.get("split-rejoin")!;
      const legacy = await meter("legacy", options(sequence, backing));
      expect(legacy.keptBytesLost).toBe(bytesTheListenerLoses(sequence));
      expect((await meter("set-map", options(sequence, backing))).keptBytesLost).toBe(0);
    },
  );

  it.each(["vtd-ss-39", "vtd-ss-57", "vtd-ss-48-cm", "vtd-ss-48-nc"])(
    "does not depend on the format: %s",
    async (format) => {
      const { sequence, backing } = SCENARIOS.get("boundary-2m")!;
      const legacy = await meter("legacy", options(sequence, backing, format));
      expect(legacy.keptBytesLost).toBe(bytesTheListenerLoses(sequence));
      expect((await meter("set-map", options(sequence, backing, format))).keptBytesLost).toBe(0);
    },
  );

  it("writes, invalidates and pins nothing where the maps mean the same", async () => {
    const { sequence, backing } = SCENARIOS.get("no-change")!;
    expect(await meter("set-map", options(sequence, backing))).toMatchObject({
      ioctls: sequence.steps.length - 1,
      entryStores: 0,
      invalidations: 0,
      pagesPinned: 0,
      pagesUnpinned: 0,
      keptBytesLost: 0,
    });
  });

  it("leaves the first map in force", async () => {
    const { sequence, backing } = SCENARIOS.get("remap")!;
    const run = options(sequence, backing);
    const machine = new StressMachine(run, STRATEGIES.get("set-map")!);
    await meteringPass(machine, run);
    expect(machine.current.map).toBe(sequence.steps[0]!.map);
  });

  it("gives nothing when interrupted", async () => {
    const { sequence, backing } = SCENARIOS.get("remap")!;
    const run = { ...options(sequence, backing), signal: AbortSignal.abort() };
    expect(await meteringPass(new StressMachine(run, STRATEGIES.get("legacy")!), run)).toBeNull();
  });
});

describe("pages without translation", () => {
  const { sequence, backing } = SCENARIOS.get("split-rejoin")!;
  const machine = new StressMachine(options(sequence, backing), STRATEGIES.get("set-map")!);
  machine.apply(sequence.steps[1]!);
  const { engine, iommu } = machine.kernel;
  const domain = iommu.domains[0]!;
  const isAbsent = (page: number): boolean => engine.walk(domain.root, domain.levels, iovaPfn(page)) === null;

  it("are those that the engine's walk does not translate", () => {
    const end = 65 * 256;
    const absent = new Set<number>();
    visitAbsent(engine, domain, 3, end, (a, b) => {
      for (let page = a; page < b; page++) absent.add(page);
    });
    const naive = new Set(Array.from({ length: end - 3 }, (_, i) => i + 3).filter(isAbsent));
    expect(naive.size).toBeGreaterThan(0);
    expect(absent).toEqual(naive);
  });

  it("count once a change, and only if they are kept", () => {
    const meter = new LostTranslations(engine, () => iommu.domains);
    const hole = (33 * 2 ** 20) / 4096;
    meter.begin([{ iovaPfn: hole - 4, pages: 6 }]);
    meter.afterStore(domain.id, hole - 512, 1024);
    meter.afterStore(domain.id, hole, 1);
    expect(meter.result()).toEqual({ pages: 2, first: hole });
    meter.begin([]);
    meter.afterStore(domain.id, hole, 16);
    expect(meter.result()).toEqual({ pages: 0, first: null });
  });
});
