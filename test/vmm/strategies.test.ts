import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Errno } from "../../src/uapi/index.ts";
import { iovaPfn } from "../../src/units/index.ts";
import { importMtree } from "../../src/vmm/importers/mtree-sequence.ts";
import { loadInput } from "../../src/vmm/load-input.ts";
import { compareMaps, keptRanges } from "../../src/vmm/map-delta.ts";
import {
  EMPTY_MAP,
  type MapRegion,
  type MapSequence,
  type MemoryMap,
  makeMemoryMap,
  region,
  regionEnd,
  sameMap,
  sameRegion,
} from "../../src/vmm/memory-map.ts";
import { SCENARIOS } from "../../src/vmm/scenarios/index.ts";
import { legacy, makeSetMap, planDmaCalls, STRATEGIES, vmmDiff } from "../../src/vmm/strategies/index.ts";
import { arbitraryMap } from "./arbitrary-map.ts";
import { snapshotFolder } from "./captures.ts";
import { boot, expectTranslates } from "./emulated-vm.ts";

const MIB = 1 << 20;
const sequenceOf = (...maps: MemoryMap[]): MapSequence => ({
  name: "test",
  source: "test",
  notes: [],
  steps: maps.map((map, i) => ({ label: `${i}`, map, origin: { file: "test", line: i }, skipped: [] })),
});

/** What extents are left after a plan, by the rules of type1 v2. */
function play(extents: readonly MapRegion[], next: MemoryMap): MapRegion[] {
  let left = [...extents];
  for (const call of planDmaCalls(extents, next)) {
    if (call.op === "unmap") {
      const start = call.range.iovaPfn;
      const end = start + call.range.pages;
      for (const e of left)
        expect(regionEnd(e) <= start || e.iovaPfn >= end || (e.iovaPfn >= start && regionEnd(e) <= end)).toBe(
          true,
        );
      expect(left.some((e) => e.iovaPfn >= start && regionEnd(e) <= end)).toBe(true);
      left = left.filter((e) => regionEnd(e) <= start || e.iovaPfn >= end);
    } else {
      expect(
        left.every((e) => regionEnd(e) <= call.region.iovaPfn || e.iovaPfn >= regionEnd(call.region)),
      ).toBe(true);
      left.push(call.region);
    }
  }
  return left.sort((a, b) => a.iovaPfn - b.iovaPfn);
}

describe("the plan of vmm-diff", () => {
  it("reaches the next map by calls type1 v2 allows, whatever the history", () => {
    fc.assert(
      fc.property(fc.array(arbitraryMap({ longest: 8 }), { minLength: 1, maxLength: 6 }), (maps) => {
        let extents: MapRegion[] = [];
        for (const map of maps) {
          extents = play(extents, map);
          expect(sameMap(makeMemoryMap(extents), map)).toBe(true);
        }
      }),
    );
  });

  it("never touches an extent that is kept whole, and unmaps once between two such", () => {
    fc.assert(
      fc.property(arbitraryMap({ longest: 8 }), arbitraryMap({ longest: 8 }), (old, next) => {
        const calls = planDmaCalls(old.regions, next);
        const kept = keptRanges(old, next);
        const staying = old.regions.filter((e) =>
          kept.some((k) => k.iovaPfn <= e.iovaPfn && k.iovaPfn + k.pages >= regionEnd(e)),
        );
        const going = old.regions.filter((e) => !staying.includes(e));
        let runs = 0;
        let inRun = false;
        for (const e of old.regions) {
          if (going.includes(e) && !inRun) runs++;
          inRun = going.includes(e);
        }
        expect(calls.filter((c) => c.op === "unmap")).toHaveLength(runs);
        const toMap = compareMaps({ regions: staying }, next);
        const mapped = calls.flatMap((c) => (c.op === "map" ? [c.region] : []));
        expect(compareMaps({ regions: [] }, makeMemoryMap(mapped)).added).toEqual(toMap.added);
      }),
    );
  });

  it("does nothing for a map that means the same", () => {
    const whole = [region(0, 32 * MIB, "ram", 0, 3)];
    const cut = makeMemoryMap([region(0, MIB, "ram", 0, 3), region(MIB, 31 * MIB, "ram", MIB, 3)]);
    expect(planDmaCalls(whole, cut)).toEqual([]);
  });

  it("cannot keep a part of an extent, but joins nothing it need not: A' to A and !B and back", () => {
    const whole = makeMemoryMap([region(0, 32 * MIB, "ram", 0, 3)]);
    const part = makeMemoryMap([region(0, 16 * MIB, "ram", 0, 3)]);
    expect(planDmaCalls(whole.regions, part)).toEqual([
      { op: "unmap", range: { iovaPfn: iovaPfn(0), pages: (32 * MIB) / 4096 } },
      { op: "map", region: part.regions[0] },
    ]);
    expect(planDmaCalls(part.regions, whole)).toEqual([
      { op: "map", region: region(16 * MIB, 16 * MIB, "ram", 16 * MIB, 3) },
    ]);
  });
});

describe("the strategies side by side", () => {
  it("need fewer calls the more they know: a PAM change and the way back", () => {
    const { sequence } = SCENARIOS.get("pam-2020")!;
    const [writable, locked] = sequence.steps;
    const calls = (name: string): number[] => {
      const vm = boot(sequence);
      const strategy = STRATEGIES.get(name)!;
      let old = EMPTY_MAP;
      return [writable!, locked!, writable!, locked!].map(({ map }) => {
        const { errno, ioctls } = strategy.apply(vm, old, map);
        expect(errno).toBe(0);
        old = map;
        return ioctls;
      });
    };
    expect(calls("legacy")).toEqual([2, 4, 4, 4]);
    expect(calls("vmm-diff")).toEqual([2, 4, 2, 2]);
    expect(calls("set-map")).toEqual([1, 1, 1, 1]);
  });

  it("know different things after a second container appears: it was told A' only", () => {
    const { sequence } = SCENARIOS.get("tseg")!;
    const [open, closed] = sequence.steps;
    const veteran = boot(sequence);
    for (const [old, next] of [
      [EMPTY_MAP, closed!.map],
      [closed!.map, open!.map],
    ] as const)
      expect(vmmDiff.apply(veteran, old, next).errno).toBe(0);
    const newcomer = boot(sequence);
    expect(vmmDiff.apply(newcomer, EMPTY_MAP, open!.map).errno).toBe(0);
    expect(vmmDiff.apply(veteran, open!.map, closed!.map)).toEqual({ errno: 0, ioctls: 1 });
    expect(vmmDiff.apply(newcomer, open!.map, closed!.map)).toEqual({ errno: 0, ioctls: 2 });
  });

  it.each([...STRATEGIES.keys()])("%s follows a recorded boot from commit to commit", (name) => {
    const sequence = loadInput(snapshotFolder("pc-seabios-boot"));
    const vm = boot(sequence, { backing: "huge2m" });
    const strategy = STRATEGIES.get(name)!;
    let old = EMPTY_MAP;
    for (const { map, label } of sequence.steps) {
      expect(strategy.apply(vm, old, map).errno, label).toBe(0);
      expectTranslates(vm, map);
      old = map;
    }
  });

  it("differ on RAM that becomes nonvolatile: legacy takes it away and brings it back, the others leave it", () => {
    const view = (type: string): string =>
      [
        "FlatView #0",
        ' AS "memory", root: system',
        " Root memory region: system",
        "  0000000000000000-000000000009ffff (prio 0, ram): pc.ram",
        `  0000000000200000-00000000003fffff (prio 0, ${type}): nvdimm`,
        "\n",
      ].join("\n");
    const sequence = importMtree(view("ram") + view("nv-ram") + view("ram"), "f");
    const calls = (name: string): string[] => {
      const vm = boot(sequence);
      const made: string[] = [];
      let old = EMPTY_MAP;
      for (const { map } of sequence.steps) {
        expect(STRATEGIES.get(name)!.apply(vm, old, map).errno).toBe(0);
        vm.container.observer = (call) => void made.push(call);
        old = map;
      }
      return made;
    };
    const again = ["UNMAP_DMA iova=0x200000 size=0x200000", "MAP_DMA iova=0x200000 size=0x200000"];
    expect(calls("legacy")).toEqual([...again, ...again]);
    expect(calls("vmm-diff")).toEqual([]);
    expect(calls("set-map")).toEqual(["SET_MAP regions=2", "SET_MAP regions=2"]);
  });

  it("end with the same translations after random changes", () => {
    fc.assert(
      fc.property(fc.array(arbitraryMap({ longest: 700 }), { minLength: 1, maxLength: 4 }), (maps) => {
        for (const strategy of STRATEGIES.values()) {
          const vm = boot(sequenceOf(...maps), { ramFrames: 1 << 16, tablePages: 256 });
          let old = EMPTY_MAP;
          for (const map of maps) {
            expect(strategy.apply(vm, old, map).errno).toBe(0);
            expectTranslates(vm, map);
            old = map;
          }
        }
      }),
      { numRuns: 15 },
    );
  });
});

describe("a call that fails", () => {
  const before = makeMemoryMap([region(0, MIB, "a", 0, 3), region(2 * MIB, MIB, "b", 0, 3)]);
  const after = makeMemoryMap([region(0, 512 << 10, "a", 0, 3), region(2 * MIB, MIB, "b", 0, 1)]);
  const start = (strategy: typeof legacy) => {
    const vm = boot(sequenceOf(before, after));
    expect(strategy.apply(vm, EMPTY_MAP, before).errno).toBe(0);
    vm.kernel.faults.arm(1);
    return vm;
  };

  it("leaves legacy between the maps: what it unmapped is gone", () => {
    const vm = start(legacy);
    expect(legacy.apply(vm, before, after)).toEqual({ errno: -Errno.ENOMEM, ioctls: 3 });
    expect(vm.container.extents).toEqual([]);
  });

  it("leaves set-map with the old map", () => {
    const setMap = makeSetMap();
    const vm = start(setMap);
    expect(setMap.apply(vm, before, after)).toMatchObject({ errno: -Errno.ENOMEM, ioctls: 1 });
    expect(vm.kernel.faults.hit).not.toBeNull();
    expect(vm.container.extents.every((e, i) => sameRegion(e, before.regions[i]!))).toBe(true);
    expectTranslates(vm, before);
  });

  it("is not made by a dry run, which changes nothing either", () => {
    const vm = boot(sequenceOf(before, after));
    expect(makeSetMap().apply(vm, EMPTY_MAP, before).errno).toBe(0);
    const dry = makeSetMap({ dryRun: true }).apply(vm, before, after);
    expect(dry.errno).toBe(0);
    expect(dry.report).toMatchObject({ bytes_removed: 512n << 10n, bytes_changed: 1n << 20n });
    expect(vm.container.extents).toEqual(before.regions);
    expectTranslates(vm, before);
  });
});
