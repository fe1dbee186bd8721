import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CAPABILITIES, type EditScript } from "../../src/edit-script/index.ts";
import { createEngine } from "../../src/engine/index.ts";
import { FaultInjector } from "../../src/kernel/fault-injection.ts";
import { Iommu, type PlannedChange, type RunList } from "../../src/kernel/iommu/index.ts";
import { iovaPfn, pfn } from "../../src/units/index.ts";
import { memoryMap } from "./arbitrary-maps.ts";
import { EagerHardware, withoutExchange, withoutMarks } from "./eager-hardware.ts";
import { changes, type Piece, pieceAt, readTranslations } from "./translations.ts";

const capability = CAPABILITIES.get("vtd-ss-48-ad")!;
const DIRTY = 0x200n;

function boot(seed = 1) {
  const machine = createEngine({ ramFrames: 512, tablePages: 4096 });
  let state = seed >>> 0 || 1;
  const draw = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  const hardware: EagerHardware = new EagerHardware(machine, () => iommu.domains, draw);
  const faults = new FaultInjector();
  const iommu: Iommu = new Iommu({ engine: hardware.engine, capability, faults, releaseFrames: () => {} });
  const domain = iommu.createDomain()!;
  return { hardware, iommu, domain };
}
type Machine = ReturnType<typeof boot>;
type Planner = (machine: Machine, runs: RunList) => PlannedChange | number;

const inPlace: Planner = ({ iommu, domain }, runs) => iommu.plan([domain], runs, true);
const byRoot: Planner = ({ iommu, domain }, runs) => iommu.planSwitch([domain], runs);

/** Makes a change while devices write; returns what ran. */
function change(machine: Machine, old: readonly Piece[], next: readonly Piece[], planner = inPlace) {
  const { hardware, iommu, domain } = machine;
  hardware.access();
  const planned = planner(machine, changes(old, next));
  if (typeof planned === "number") throw new Error(`plan: ${planned}`);
  return iommu.commit(planned, [domain]);
}

/** Pages whose frame was written and stays, and whose leaf does not say so. */
function lostPages({ hardware }: Machine, old: readonly Piece[], next: readonly Piece[]): number[] {
  const lost: number[] = [];
  const frameAt = (pieces: readonly Piece[], page: number): number => {
    const piece = pieceAt(pieces, page);
    return piece === undefined ? -1 : piece.frame + page - piece.start;
  };
  for (const [page, frames] of hardware.written) {
    const frame = frameAt(next, page);
    if (frame !== frameAt(old, page) || !frames.has(frame)) hardware.written.delete(page);
    else if ((hardware.leafOf(page)!.entry & DIRTY) === 0n) lost.push(page);
  }
  return lost;
}

/** Pages around the borders of the maps, and some in between. */
const pagesOf = (maps: readonly (readonly Piece[])[]): number[] => [
  ...new Set(
    maps
      .flat()
      .flatMap(({ start, end }) => [start - 1, start, start + 1, (start + end) >> 1, end - 1, end, end + 511])
      .filter((page) => page >= 0),
  ),
];

const scenario = fc.tuple(
  fc.array(memoryMap, { minLength: 2, maxLength: 4 }),
  fc.integer({ min: 1, max: 2 ** 31 }),
);

/** Runs the maps of a scenario; returns the pages lost over all changes. */
function run(
  maps: readonly (readonly Piece[])[],
  seed: number,
  planner: Planner,
  filter: ((script: EditScript) => EditScript) | null = null,
): number {
  const machine = boot(seed);
  machine.iommu.committer.filter = filter;
  machine.hardware.pages = pagesOf(maps);
  let old: readonly Piece[] = [];
  let lost = 0;
  for (const next of maps) {
    change(machine, old, next, planner);
    lost += lostPages(machine, old, next).length;
    expect(readTranslations(machine.hardware.engine, machine.domain).pieces).toEqual(next);
    old = next;
  }
  return lost;
}

describe("planner with walkers that set A and D", () => {
  it.each([
    ["in place", inPlace],
    ["by a switch of the root", byRoot],
  ])("forgets no page that is written while maps change %s", (_, planner) => {
    fc.assert(
      fc.property(scenario, ([maps, seed]) => {
        expect(run(maps, seed, planner)).toBe(0);
      }),
      { numRuns: 10 },
    );
  });

  it("would forget some with stores instead of exchanges, or with merged and copied leaves that begin clean", () => {
    const whole: Piece[] = [{ start: 0, end: 1024, frame: 2 ** 24, rights: 3 }];
    const holed: Piece[] = [
      { start: 0, end: 100, frame: 2 ** 24, rights: 3 },
      { start: 101, end: 600, frame: 2 ** 24 + 101, rights: 3 },
      { start: 600, end: 1024, frame: 2 ** 24 + 600, rights: 1 },
    ];
    const lostWith = (planner: Planner, filter: ((script: EditScript) => EditScript) | null): number => {
      let lost = 0;
      for (let seed = 1; seed <= 12; seed++) lost += run([whole, holed, whole, holed], seed, planner, filter);
      return lost;
    };
    expect([inPlace, byRoot].map((planner) => lostWith(planner, null))).toEqual([0, 0]);
    expect(lostWith(inPlace, withoutExchange)).toBeGreaterThan(0);
    expect(lostWith(inPlace, withoutMarks)).toBeGreaterThan(0);
    expect(lostWith(byRoot, withoutMarks)).toBeGreaterThan(0);
  });

  it("exchanges leaves that can be reached, and stores everything else", () => {
    const machine = boot();
    const whole: Piece[] = [{ start: 0, end: 1024, frame: 2 ** 24, rights: 3 }];
    const holed: Piece[] = [
      { start: 0, end: 100, frame: 2 ** 24, rights: 3 },
      { start: 101, end: 512, frame: 2 ** 24 + 101, rights: 3 },
      { start: 512, end: 1024, frame: 2 ** 24 + 512, rights: 1 },
    ];
    const ops = (script: EditScript): string[] =>
      [...script]
        .map((step) => step.op)
        .filter((op) => op === "store" || op === "exchange" || op === "storeRun");
    expect(ops(change(machine, [], whole))).toEqual(["store"]);
    expect(ops(change(machine, whole, holed))).toEqual(["exchange", "exchange"]);
    expect(ops(change(machine, holed, whole))).toEqual(["store", "exchange"]);
    expect(ops(change(machine, whole, []))).toEqual(["store"]);
  });

  it("gives fresh leaves neither bit, children those of the leaf that is split, and a merged leaf both", () => {
    const machine = boot();
    const { hardware } = machine;
    const whole: Piece[] = [{ start: 0, end: 1024, frame: 2 ** 24, rights: 3 }];
    const holed: Piece[] = [
      { start: 0, end: 100, frame: 2 ** 24, rights: 3 },
      { start: 101, end: 612, frame: 2 ** 24 + 101, rights: 3 },
      { start: 613, end: 1024, frame: 2 ** 24 + 613, rights: 3 },
    ];
    const bits = (page: number): bigint => hardware.leafOf(page)!.entry & 0x300n;
    change(machine, [], whole);
    expect([bits(0), bits(512)]).toEqual([0n, 0n]);
    hardware.write(7);
    expect([bits(0), bits(512)]).toEqual([0x300n, 0n]);
    change(machine, whole, holed);
    expect([bits(0), bits(511), bits(512), bits(1023)]).toEqual([0x300n, 0x300n, 0n, 0n]);
    change(machine, holed, whole);
    expect([bits(0), bits(512)]).toEqual([0x300n, 0x300n]);
  });

  it("does nothing at all when nothing changes, however dirty the leaves are", () => {
    for (const planner of [inPlace, byRoot]) {
      const machine = boot();
      const map: Piece[] = [
        { start: 0, end: 512 * 600, frame: 2 ** 24, rights: 3 },
        { start: 512 * 601, end: 512 * 601 + 9, frame: 2 ** 26, rights: 3 },
      ];
      change(machine, [], map);
      for (const page of [0, 512 * 599, 512 * 601 + 3]) machine.hardware.write(page);
      const again = changes([], map);
      const planned = planner(machine, again);
      if (typeof planned === "number") throw new Error(`plan: ${planned}`);
      expect(machine.iommu.commit(planned, [machine.domain]).isEmpty).toBe(true);
    }
  });
});

describe("Iommu.collectDirty", () => {
  const found = (machine: Machine, start: number, end: number): [number, number][] => {
    const pages: [number, number][] = [];
    machine.iommu.collectDirty([machine.domain], [[start, end]], (at, count) => pages.push([at, count]));
    return pages.sort(([a], [b]) => a - b);
  };
  const map: Piece[] = [
    { start: 0, end: 1024, frame: 2 ** 24, rights: 3 },
    { start: 1024, end: 1034, frame: 2 ** 26, rights: 3 },
    { start: 1034, end: 1044, frame: 2 ** 26 + 100, rights: 1 },
  ];

  it("finds each leaf that was written once, whole, and no other", () => {
    const machine = boot();
    change(machine, [], map);
    for (const page of [513, 1030, 1033]) machine.hardware.write(page);
    expect(found(machine, 0, 1032)).toEqual([
      [512, 512],
      [1030, 1],
    ]);
    expect(found(machine, 0, 2048)).toEqual([[1033, 1]]);
    expect(found(machine, 0, 2048)).toEqual([]);
  });

  it("loses no write that devices make meanwhile", () => {
    fc.assert(
      fc.property(memoryMap, fc.integer({ min: 1, max: 2 ** 31 }), (pieces, seed) => {
        const machine = boot(seed);
        const { hardware } = machine;
        change(machine, [], pieces);
        hardware.pages = pagesOf([pieces]);
        const reported = new Set<number>();
        for (let i = 0; i < 5; i++) {
          hardware.access();
          for (const [start, count] of found(machine, 0, 512 ** 3))
            for (const page of hardware.pages) if (page >= start && page < start + count) reported.add(page);
        }
        for (const page of hardware.written.keys())
          expect(reported.has(page) || (hardware.leafOf(page)!.entry & DIRTY) !== 0n).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  it("collects, then settles with one leaf invalidation and a draining wait; nothing where nothing can be dirty", () => {
    const machine = boot();
    change(machine, [], map);
    const scripts: EditScript[] = [];
    machine.iommu.committer.listeners.add((script) => scripts.push(script));
    machine.iommu.collectDirty([machine.domain], [[1026, 1040]], () => {});
    machine.iommu.collectDirty([machine.domain], [[1034, 1044]], () => {});
    machine.iommu.collectDirty([machine.domain], [[2048, 4096]], () => {});
    expect(scripts.map((script) => [...script])).toEqual([
      [
        { op: "collect", table: expect.any(Number), index: 2, count: 8 },
        { op: "barrier" },
        {
          op: "invalidate",
          domain: machine.domain.tag,
          scope: "leaf",
          caches: 7,
          iovaPfn: iovaPfn(1026),
          pages: 8,
        },
        { op: "wait", drain: true },
      ],
    ]);
  });

  it("finds a page that was written before its right to be written went", () => {
    const machine = boot();
    change(machine, [], map);
    machine.hardware.write(1030);
    const narrowed = [...map.slice(0, 1), { start: 1024, end: 1034, frame: pfn(2 ** 26), rights: 1 }];
    change(machine, map, [...narrowed, ...map.slice(2)]);
    expect(found(machine, 0, 2048)).toEqual([[1030, 1]]);
  });
});
