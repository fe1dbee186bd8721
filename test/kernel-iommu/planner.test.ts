import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CAPABILITIES } from "../../src/edit-script/index.ts";
import { createEngine } from "../../src/engine/index.ts";
import { FaultInjector } from "../../src/kernel/fault-injection.ts";
import { Iommu, RunList, visitLeaves } from "../../src/kernel/iommu/index.ts";
import { iovaPfn, pfn } from "../../src/units/index.ts";
import { memoryMap } from "./arbitrary-maps.ts";
import { changes, type Piece, pieceAt, readTranslations } from "./translations.ts";

const capability = CAPABILITIES.get("vtd-ss-48")!;

function boot(tablePages = 4096) {
  const engine = createEngine({ ramFrames: 512, tablePages });
  const faults = new FaultInjector();
  const iommu = new Iommu({ engine, capability, faults, releaseFrames: () => {} });
  const domain = iommu.createDomain()!;
  return { engine, faults, iommu, domain };
}
type Machine = ReturnType<typeof boot>;

/** Applies a change and watches every intermediate state of the tables. */
function change(machine: Machine, old: readonly Piece[], next: readonly Piece[]) {
  const { engine, iommu, domain } = machine;
  const planned = iommu.plan([domain], changes(old, next), true);
  if (typeof planned === "number") throw new Error(`plan: ${planned}`);
  let liveStores = 0;
  iommu.committer.observer = (_domain, start, pages) => {
    liveStores++;
    let at: number = start;
    const check = (until: number): void => {
      // [at, until) does not translate now: no page of it may be kept.
      for (const before of old) {
        const from = Math.max(at, before.start);
        const to = Math.min(until, before.end);
        if (from >= to) continue;
        for (const after of next) {
          const keptFrom = Math.max(from, after.start);
          const keptTo = Math.min(to, after.end);
          if (keptFrom >= keptTo) continue;
          expect.fail(`pages ${keptFrom}..${keptTo} translate in both maps and lost their translation`);
        }
      }
    };
    visitLeaves(engine, domain, start, start + pages, (leafStart, frame, count, rights) => {
      check(leafStart);
      for (let page = leafStart; page < leafStart + count; page += Math.max(1, count - 1)) {
        const answers = [pieceAt(old, page), pieceAt(next, page)].filter((p) => p !== undefined);
        const legal = answers.some(
          (p) => p.frame + page - p.start === frame + page - leafStart && p.rights === rights,
        );
        if (!legal)
          expect.fail(`page ${page} shows frame ${frame + page - leafStart}, which neither map names`);
      }
      at = leafStart + count;
      return true;
    });
    check(start + pages);
  };
  const script = iommu.commit(planned, [domain]);
  iommu.committer.observer = null;
  return { script, liveStores, counts: planned.counts };
}

describe("planner", () => {
  it("leads any map to any other, and no intermediate state disturbs what both translate", () => {
    fc.assert(
      fc.property(fc.array(memoryMap, { minLength: 2, maxLength: 5 }), (maps) => {
        const machine = boot();
        let old: Piece[] = [];
        for (const next of [...maps, []]) {
          change(machine, old, next);
          const state = readTranslations(machine.engine, machine.domain);
          expect(state.pieces).toEqual(next);
          expect(machine.iommu.pool.live).toBe(state.tables);
          old = next;
        }
        expect(machine.iommu.pool.live).toBe(1);
      }),
      { numRuns: 10 },
    );
  });

  it("stores no entry of a range that the change leaves alone", () => {
    fc.assert(
      fc.property(memoryMap, memoryMap, (first, second) => {
        const machine = boot();
        change(machine, [], first);
        const before = readTranslations(machine.engine, machine.domain);
        const runs = changes(first, second);
        const { liveStores } = change(machine, first, second);
        const after = readTranslations(machine.engine, machine.domain);
        let differing = 0;
        for (const [key, entry] of after.leaves) if (before.leaves.get(key) !== entry) differing++;
        for (const key of before.leaves.keys()) if (!after.leaves.has(key)) differing++;
        // Each differing leaf costs at most one live store, and each slot one more for a change of leaf size.
        expect(liveStores).toBeLessThanOrEqual(2 * differing);
        if (runs.count === 0) expect(liveStores).toBe(0);
      }),
      { numRuns: 10 },
    );
  });

  it("does nothing at all when nothing changes", () => {
    const machine = boot();
    const map: Piece[] = [{ start: 0, end: 512 * 600, frame: 2 ** 24, rights: 3 }];
    change(machine, [], map);
    const { script } = change(machine, map, map);
    expect(script.isEmpty).toBe(true);
  });

  it("splits a 2 MiB leaf with one live store when a page goes, and merges it with one when the page returns", () => {
    const machine = boot();
    const whole: Piece[] = [{ start: 0, end: 512, frame: 2 ** 24, rights: 3 }];
    const holed: Piece[] = [
      { start: 0, end: 100, frame: 2 ** 24, rights: 3 },
      { start: 108, end: 512, frame: 2 ** 24 + 108, rights: 3 },
    ];
    change(machine, [], whole);
    const split = change(machine, whole, holed);
    expect(split.liveStores).toBe(1);
    expect(split.counts).toMatchObject({ split: 1, merged: 0, tablesBuilt: 1 });
    const merge = change(machine, holed, whole);
    expect(merge.liveStores).toBe(1);
    expect(merge.counts).toMatchObject({ split: 0, merged: 1, tablesBuilt: 0 });
  });

  it("lets the old large leaf settle before a page under it gets another frame", () => {
    const machine = boot();
    const whole: Piece[] = [{ start: 0, end: 512, frame: 2 ** 24, rights: 3 }];
    const patched: Piece[] = [
      { start: 0, end: 100, frame: 2 ** 24, rights: 3 },
      { start: 100, end: 101, frame: 2 ** 26, rights: 3 },
      { start: 101, end: 512, frame: 2 ** 24 + 101, rights: 3 },
    ];
    change(machine, [], whole);
    const { script } = change(machine, whole, patched);
    expect([...script].map((step) => step.op)).toEqual([
      "fill",
      "barrier",
      "store",
      "barrier",
      "invalidate",
      "wait",
      "store",
      "barrier",
      "invalidate",
      "wait",
    ]);
  });

  it("gives back every table when a plan fails at any allocation, and changes nothing", () => {
    const machine = boot();
    const { engine, faults, iommu, domain } = machine;
    const old: Piece[] = [{ start: 0, end: 512 * 512 * 2, frame: 2 ** 24, rights: 3 }];
    const next: Piece[] = [
      { start: 5, end: 512, frame: 2 ** 24 + 5, rights: 3 },
      { start: 512, end: 700, frame: 2 ** 27 + 7, rights: 3 },
      { start: 700, end: 512 * 512 + 3, frame: 2 ** 24 + 700, rights: 1 },
    ];
    change(machine, [], old);
    const before = readTranslations(engine, domain);
    const live = iommu.pool.live;
    let failures = 0;
    for (let nth = 1; ; nth++) {
      faults.arm(nth);
      const planned = iommu.plan([domain], changes(old, next), true);
      if (faults.hit === null) {
        expect(typeof planned).toBe("object");
        break;
      }
      failures++;
      expect(planned).toBe(-12);
      expect(iommu.pool.live).toBe(live);
      expect(readTranslations(engine, domain)).toEqual(before);
    }
    faults.arm(0);
    expect(failures).toBeGreaterThan(3);
  });

  it("invalidates once where more ranges change than a function call can have arguments", () => {
    const { iommu, domain } = boot();
    const islands = 140_000;
    const whole = new RunList();
    whole.push(iovaPfn(0), 2 * islands, pfn(0x200_0001), 3);
    const map = iommu.plan([domain], whole, true);
    if (typeof map === "number") throw new Error(`plan: ${map}`);
    iommu.commit(map, [domain]);
    const holes = new RunList();
    for (let i = 0; i < islands; i++) holes.remove(iovaPfn(2 * i), 1);
    const planned = iommu.plan([domain], holes, true);
    if (typeof planned === "number") throw new Error(`plan: ${planned}`);
    const steps = [...iommu.commit(planned, [domain])].filter((step) => step.op === "invalidate");
    expect(steps).toEqual([expect.objectContaining({ iovaPfn: 0, pages: 2 * islands - 1, scope: "leaf" })]);
    expect(iommu.physicalRuns(domain, iovaPfn(0), 2 * islands)).toHaveLength(islands);
  });
});
