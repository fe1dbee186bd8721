import { describe, expect, it } from "vitest";
import { iovaPfn } from "../../src/units/index.ts";
import { classify, keptRanges, totalPages } from "../../src/vmm/map-delta.ts";
import { type MapStep, region, sameMap, sameRegion } from "../../src/vmm/memory-map.ts";
import { SCENARIOS, type Scenario } from "../../src/vmm/scenarios/index.ts";
import { STRATEGIES } from "../../src/vmm/strategies/index.ts";
import { topologyDelta } from "../../src/vmm/topology.ts";
import { boot, expectTranslates } from "./emulated-vm.ts";

const scenarios = [...SCENARIOS.values()];
const named = (name: string): Scenario => SCENARIOS.get(name)!;
/** The steps once around, the first one again at the end. */
const cycle = ({ sequence }: Scenario): MapStep[] => [...sequence.steps, sequence.steps[0]!];

describe("the built-in scenarios", () => {
  it("are the known cases, each with a sentence", () => {
    expect([...SCENARIOS.keys()].sort()).toEqual([
      "aliases",
      "boundary-1g",
      "boundary-2m",
      "large-hole",
      "large-rights",
      "move-and-protect",
      "no-change",
      "odd-pages",
      "pam-2020",
      "read-only-flips",
      "read-only-hole",
      "read-only-split",
      "remap",
      "replace-all",
      "split-rejoin",
      "tseg",
      "two-callers",
    ]);
    for (const { shows } of scenarios) expect(shows).toMatch(/^[^.]{20,140}$/);
  });

  it.each(scenarios)("$name changes something at every step, the last one to the first too", (scenario) => {
    const steps = cycle(scenario);
    for (let i = 1; i < steps.length; i++)
      expect(sameMap(steps[i - 1]!.map, steps[i]!.map)).toBe(scenario.name === "no-change");
  });

  it.each(scenarios.filter((s) => s.name !== "replace-all"))("$name always keeps something", (scenario) => {
    const steps = cycle(scenario);
    for (let i = 1; i < steps.length; i++)
      if (!steps[i]!.label.startsWith("all ") && !steps[i - 1]!.label.startsWith("all read-only"))
        expect(totalPages(keptRanges(steps[i - 1]!.map, steps[i]!.map))).toBeGreaterThan(0);
  });

  it("replace-all keeps nothing", () => {
    const steps = cycle(named("replace-all"));
    for (let i = 1; i < steps.length; i++)
      expect(classify(steps[i - 1]!.map, steps[i]!.map).keptBytes).toBe(0n);
  });

  it("pam-2020 makes the listener unmap 3 GiB for a change of at most 64 KiB", () => {
    const steps = cycle(named("pam-2020"));
    const [before, after] = steps;
    const { deleted } = topologyDelta(before!.map.regions, after!.map.regions, (r) => r.iovaPfn, sameRegion);
    expect(deleted).toEqual([region(0xc0000, 0xc000_0000 - 0xc0000, "ram", 0xc0000, 3)]);
    expect(classify(before!.map, after!.map).changedBytes).toBe(64n << 10n);
  });

  it("tseg hides the last 16 MiB of 2 GiB", () => {
    const [open, closed] = named("tseg").sequence.steps;
    expect(classify(open!.map, closed!.map)).toMatchObject({ removedBytes: 16n << 20n, changedBytes: 0n });
  });

  it("remap moves between memories whose frames differ in both halves of an entry", () => {
    const { sequence, backing } = named("remap");
    const { guest } = boot(sequence, { backing });
    const frameAt4M = (i: number): number => {
      const there = sequence.steps[i]!.map.regions.findLast((r) => r.iovaPfn <= 1024)!;
      return guest.frames(there).base + 1024 - there.iovaPfn;
    };
    const [ram, other] = [frameAt4M(0), frameAt4M(1)];
    expect(Math.floor(ram / 2 ** 20)).not.toBe(Math.floor(other / 2 ** 20));
    expect(ram % 2 ** 20).not.toBe(other % 2 ** 20);
  });

  it.each([
    ["boundary-2m", 5 << 20, 1, 0],
    ["boundary-1g", 1.5 * 2 ** 30, 2, 1],
    ["tseg", 0x7e00_0000, 2, 1],
    ["no-change", 8 << 20, 1, 1],
  ])("%s splits the leaf it is about", (name, at, before, after) => {
    const { sequence, backing } = named(name);
    const vm = boot(sequence, { backing });
    const setMap = STRATEGIES.get("set-map")!;
    const [first, second] = sequence.steps;
    const level = () => {
      const { root, levels } = vm.kernel.domains()[0]!;
      return vm.kernel.engine.walk(root, levels, iovaPfn(at / 4096))!.level;
    };
    expect(setMap.apply(vm, { regions: [] }, first!.map).errno).toBe(0);
    expect(level()).toBe(before);
    expect(setMap.apply(vm, first!.map, second!.map).errno).toBe(0);
    expect(level()).toBe(after);
  });
});

describe.each([...STRATEGIES.values()])("$name", (strategy) => {
  it.each(scenarios)("takes a container through $name, twice around", (scenario) => {
    const vm = boot(scenario.sequence, { backing: scenario.backing, seed: 7 });
    let old = { regions: [] } as MapStep["map"];
    for (const { map, label } of [...cycle(scenario), ...cycle(scenario)]) {
      expect(strategy.apply(vm, old, map).errno, label).toBe(0);
      expect(sameMap({ regions: vm.container.extents }, map)).toBe(true);
      expectTranslates(vm, map);
      old = map;
    }
  });
});
