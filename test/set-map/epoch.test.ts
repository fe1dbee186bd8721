import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CACHE_CONTEXT, CACHES_ALL, OP } from "../../src/edit-script/index.ts";
import type { KernelOptions } from "../../src/kernel/index.ts";
import {
  Errno,
  VFIO_IOMMU_GET_INFO,
  VFIO_IOMMU_TYPE1_INFO_CAP_SET_MAP,
  vfio_iommu_type1_info_cap_set_map,
} from "../../src/uapi/index.ts";
import { readTranslations } from "../kernel-iommu/translations.ts";
import { Machine, PAGE, type RegionSpec } from "./machine.ts";

const MIB = 1n << 20n;
const DRY_RUN = 1;
const EXPECT_GENERATION = 2;
const EPOCH = 8;

const TWO_DOMAINS: KernelOptions = {
  groups: [
    { deviceName: "0000:00:04.0", unit: 0 },
    { deviceName: "0000:00:05.0", unit: 1, capability: "vtd-ss-39" },
  ],
};

const epoch = (machine: Machine, regions: readonly RegionSpec[]): number =>
  machine.setMap(regions, { flags: EPOCH });

const ops = (machine: Machine): string[] =>
  machine.kernel.lastScripts.flatMap((script) => [...script].map(({ op }) => op));

describe("VFIO_IOMMU_SET_MAP with EPOCH", () => {
  it("builds aside, switches root and tag in one store, flushes the old tag, and only then frees and unpins", () => {
    const machine = new Machine();
    const ram = machine.process.mmap(4n * MIB, "thp");
    expect(machine.setMap([{ iova: 0n, size: 4n * MIB, vaddr: ram }])).toBe(0);
    const [domain] = machine.kernel.domains();
    const { root, tag } = domain!;
    expect(epoch(machine, [{ iova: 0n, size: 4n * MIB - PAGE, vaddr: ram }])).toBe(0);
    const [script, ...others] = machine.kernel.lastScripts;
    expect(others).toEqual([]);
    const steps = [...script!].filter(({ op }) => op !== "fill" && op !== "gather");
    const everything = { scope: "nonLeaf", iovaPfn: 0, pages: 2 ** 36, domain: tag };
    const retired = [...script!].filter(({ op }) => op === "freeTable");
    expect(retired).toHaveLength(3);
    expect(steps).toMatchObject([
      { op: "barrier" },
      { op: "setRoot", domain: tag, root: domain!.root, levels: 4, tag: domain!.tag },
      { op: "barrier" },
      { op: "invalidate", caches: CACHE_CONTEXT, ...everything },
      { op: "wait" },
      { op: "invalidate", caches: CACHES_ALL, ...everything },
      { op: "wait", drain: true },
      ...retired,
      { op: "unpin", pages: 1 },
    ]);
    expect(domain!.root).not.toBe(root);
    expect(domain!.tag).not.toBe(tag);
    expect(machine.report).toMatchObject({
      ...{ entry_stores: 1n, leaves_split: 1n, tables_built: 4n, tables_freed: 3n, invalidations: 2n },
      ...{ pages_pinned: 0n, pages_unpinned: 1n, bytes_removed: PAGE, bytes_kept: 4n * MIB - PAGE },
    });
  });

  it("pushes what it built out of the CPU cache where walkers do not snoop it", () => {
    const machine = new Machine({ capability: "vtd-ss-48-nc" });
    expect(epoch(machine, [{ iova: 0n, size: PAGE, vaddr: machine.process.mmap(MIB, "pop") }])).toBe(0);
    const all = ops(machine);
    expect(all.slice(0, all.indexOf("setRoot")).filter((op) => op === "clean").length).toBeGreaterThan(3);
    expect(all[all.indexOf("setRoot") - 1]).toBe("barrier");
  });

  it("shares what does not change: a page of a large map costs a path of tables, whatever the size of the map", () => {
    const machine = new Machine({ tablePages: 2 ** 13, ramFrames: 2 ** 19 });
    const pages = 2 ** 17;
    const layout = { kind: "fragmented", seed: 3 } as const;
    const ram = machine.process.mmap(BigInt(pages) * PAGE, "pop", { layout });
    const other = machine.process.mmap(MIB, "pop");
    expect(machine.setMap([{ iova: 0n, size: BigInt(pages) * PAGE, vaddr: ram }])).toBe(0);
    const tables = new Set(machine.kernel.iommu.pool.tables());
    expect(tables.size).toBe(3 + 256);
    const at = 100_000n * PAGE;
    const rest = BigInt(pages) * PAGE - at - PAGE;
    const next = [
      { iova: 0n, size: at, vaddr: ram },
      { iova: at, size: PAGE, vaddr: other },
      { iova: at + PAGE, size: rest, vaddr: ram + at + PAGE },
    ];
    expect(epoch(machine, next)).toBe(0);
    expect(machine.report).toMatchObject({ tables_built: 4n, tables_freed: 4n, leaves_stored: 1n });
    const after = machine.kernel.iommu.pool.tables();
    expect(after.filter((table) => tables.has(table))).toHaveLength(tables.size - 4);
    expect(after).toHaveLength(tables.size);
  });

  it("stores nothing where no entry would change", () => {
    const machine = new Machine();
    const ram = machine.process.mmap(4n * MIB, "thp");
    const whole = [{ iova: 0n, size: 4n * MIB, vaddr: ram }];
    expect(epoch(machine, whole)).toBe(0);
    const { root, tag } = machine.kernel.domains()[0]!;
    expect(epoch(machine, whole)).toBe(0);
    expect(ops(machine)).toEqual([]);
    expect(
      epoch(machine, [
        { ...whole[0]!, size: 2n * MIB },
        { iova: 2n * MIB, size: 2n * MIB, vaddr: ram + 2n * MIB },
      ]),
    ).toBe(0);
    expect(ops(machine)).toEqual([]);
    expect(machine.kernel.domains()[0]).toMatchObject({ root, tag });
  });

  it("recycles tags: 70,000 switches of two domains, more than there are tags, need four", () => {
    const machine = new Machine({ ...TWO_DOMAINS, tablePages: 64, ramFrames: 2 ** 12 });
    const ram = machine.process.mmap(MIB, "pop");
    const lists = [machine.writeRegions([{ iova: 0n, size: PAGE, vaddr: ram }]), machine.listAt + 64n];
    machine.process.write(lists[1]!, machine.process.read(lists[0]!, 32));
    machine.process.write(lists[1]! + 16n, new Uint8Array(new BigUint64Array([ram + PAGE]).buffer));
    machine.kernel.engine.resetCounters();
    const tags = new Set<number>();
    let failed = 0;
    const domains = machine.kernel.domains();
    for (let i = 0; i < 35_000; i++) {
      const result = machine.setMapAt(machine.argumentAt, 1, {
        flags: EPOCH,
        regions: lists[i % 2]!,
        report: 0n,
        reportSize: 0,
      });
      if (result !== 0) failed++;
      for (const { tag } of domains) tags.add(tag);
    }
    expect(failed).toBe(0);
    expect(machine.kernel.engine.counters.entryStores).toBe(70_000);
    expect([...tags].sort()).toEqual([1, 2, 3, 4]);
    expect(machine.kernel.iommu.pool.live).toBe(4 + 3);
  });

  it("switches every domain of the container and releases after the last of them has let go", () => {
    const machine = new Machine(TWO_DOMAINS);
    const ram = machine.process.mmap(4n * MIB, "thp");
    expect(epoch(machine, [{ iova: 0n, size: 4n * MIB, vaddr: ram }])).toBe(0);
    expect(epoch(machine, [{ iova: 0n, size: 2n * MIB, vaddr: ram }])).toBe(0);
    const all = ops(machine).filter((op) => op !== "fill" && op !== "gather");
    expect(all.slice(0, all.indexOf("freeTable"))).toEqual([
      ...["barrier", "setRoot", "setRoot", "barrier"],
      ...["invalidate", "invalidate", "wait", "invalidate", "invalidate", "wait"],
    ]);
    expect(new Set(machine.kernel.domains().map(({ tag }) => tag)).size).toBe(2);
  });

  it("says with DRY_RUN what it would do, and leaves everything as it is", () => {
    const machine = new Machine();
    const ram = machine.process.mmap(4n * MIB, "thp");
    expect(epoch(machine, [{ iova: 0n, size: 4n * MIB, vaddr: ram }])).toBe(0);
    const next = [{ iova: PAGE, size: 4n * MIB - PAGE, vaddr: ram + PAGE }];
    const before = machine.digest();
    expect(machine.setMap(next, { flags: EPOCH | DRY_RUN })).toBe(0);
    expect(machine.digest()).toEqual(before);
    const { report } = machine;
    expect(report).toMatchObject({ entry_stores: 1n, invalidations: 2n, pages_unpinned: 1n });
    expect(epoch(machine, next)).toBe(0);
    expect(machine.report).toEqual(report);
  });

  it("needs memory for its copies where an edit in place needs none, and fails with ENOMEM as if never called", () => {
    const machine = new Machine({ tableLimitPages: 6 });
    const ram = machine.process.mmap(MIB, "pop");
    expect(machine.setMap([{ iova: 0n, size: MIB, vaddr: ram }])).toBe(0);
    const before = machine.digest();
    const next = [{ iova: 0n, size: MIB - PAGE, vaddr: ram }];
    expect(epoch(machine, next)).toBe(-Errno.ENOMEM);
    expect(machine.digest()).toEqual(before);
    expect(machine.setMap(next)).toBe(0);
  });

  it("is refused with EOPNOTSUPP while a device with ATS is attached, and GET_INFO says so", () => {
    const groups = [{ deviceName: "0000:00:04.0" }, { deviceName: "0000:00:05.0", ats: true }];
    const machine = new Machine({ groups });
    const regions = [{ iova: 0n, size: PAGE, vaddr: machine.process.mmap(MIB, "pop") }];
    const before = machine.digest();
    expect(epoch(machine, regions)).toBe(-Errno.EOPNOTSUPP);
    expect(machine.setMap(regions, { flags: EPOCH | DRY_RUN })).toBe(-Errno.EOPNOTSUPP);
    expect(machine.setMap(regions, { flags: EPOCH | EXPECT_GENERATION, generation: 7n })).toBe(-Errno.ESTALE);
    expect(machine.digest()).toEqual(before);
    expect(offered(machine) & EPOCH).toBe(0);
    expect(offered(new Machine()) & EPOCH).toBe(EPOCH);
    expect(machine.setMap(regions)).toBe(0);
  });

  it("is refused with EOPNOTSUPP where an IOMMU cannot switch its root in one store", () => {
    const machine = new Machine(TWO_DOMAINS);
    const domain = machine.kernel.domains()[1]!;
    Object.assign(domain, { capability: { ...domain.capability, rootSwitch: false } });
    const before = machine.digest();
    expect(epoch(machine, [])).toBe(-Errno.EOPNOTSUPP);
    expect(machine.digest()).toEqual(before);
    expect(offered(machine) & EPOCH).toBe(0);
  });

  it.each([
    ["vtd-ss-48", {}],
    ["vtd-ss-39", {}],
    ["vtd-ss-57-cm", {}],
    ["vtd-ss-48-nc", {}],
    ["vtd-ss-48", TWO_DOMAINS],
  ] as const)("leaves on %s what the same calls without it leave (%o)", (capability, options) => {
    const page = fc.integer({ min: 0, max: 2047 }).map(BigInt);
    const region = fc.tuple(
      page,
      fc.constantFrom(1n, 2n, 5n, 512n, 300n, 1024n),
      fc.constantFrom("contiguous", "contiguous", "contiguous", "scattered", "moved"),
      fc.constantFrom(1, 3, 3),
    );
    const step = fc.record({
      call: fc.constantFrom("epoch", "epoch", "set-map", "unmap"),
      map: fc.array(region, { maxLength: 7 }),
    });
    let switches = 0;
    fc.assert(
      fc.property(fc.array(step, { minLength: 3, maxLength: 6 }), (steps) => {
        const [left, right] = [
          new Machine({ capability, ramFrames: 2 ** 14, ...options }),
          new Machine({ capability, ramFrames: 2 ** 14, ...options }),
        ];
        const memory = [left, right].map((m) => ({
          contiguous: m.process.mmap(16n * MIB, "thp"),
          scattered: m.process.mmap(8n * MIB, "pop", { layout: { kind: "fragmented", seed: 7 } }),
        }));
        for (const { call, map } of steps) {
          const lists = [left, right].map((_, m): RegionSpec[] => {
            const regions: RegionSpec[] = [];
            for (const [at, pages, kind, flags] of map) {
              const [iova, size] = [at * PAGE, pages * PAGE];
              if (regions.some((r) => iova < r.iova + r.size && r.iova < iova + size)) continue;
              const { contiguous, scattered } = memory[m]!;
              const offset = kind === "moved" ? iova + 2n * MIB : iova;
              const vaddr = kind === "scattered" ? scattered + (iova % MIB) : contiguous + offset;
              regions.push({ iova, size, vaddr, flags });
            }
            return regions;
          });
          if (call === "unmap") {
            // A cut through a region is refused by both alike; anything else follows the map of before.
            const [iova, size] = [0n, 4n * MIB];
            expect(left.unmap(iova, size)).toBe(right.unmap(iova, size));
          } else {
            expect(left.setMap(lists[0]!, { flags: call === "epoch" ? EPOCH : 0 })).toBe(0);
            expect(right.setMap(lists[1]!)).toBe(0);
            switches += left.kernel.lastScripts.reduce((n, script) => n + script.count(OP.setRoot), 0);
          }
          expect(stateOf(left)).toEqual(stateOf(right));
        }
      }),
      { numRuns: 12 },
    );
    expect(switches).toBeGreaterThan(8);
  });
});

/** Flags of SET_MAP that GET_INFO offers. */
function offered(machine: Machine): number {
  const { offsets } = vfio_iommu_type1_info_cap_set_map;
  const at = machine.reportAt - 4096n;
  const bytes = new Uint8Array(1024);
  new DataView(bytes.buffer).setUint32(0, bytes.length, true);
  machine.process.write(at, bytes);
  expect(machine.process.ioctl(machine.container, VFIO_IOMMU_GET_INFO, at)).toBe(0);
  const view = new DataView(machine.process.read(at, bytes.length).slice().buffer);
  for (let cap = view.getUint32(16, true); cap !== 0; cap = view.getUint32(cap + 4, true))
    if (view.getUint16(cap, true) === VFIO_IOMMU_TYPE1_INFO_CAP_SET_MAP)
      return view.getUint32(cap + offsets.flags, true);
  throw new Error("GET_INFO does not offer SET_MAP");
}

/** What a call leaves behind, without the names of tables and tags. */
function stateOf(machine: Machine): unknown {
  const { kernel } = machine;
  return {
    domains: kernel.domains().map((domain) => readTranslations(kernel.engine, domain)),
    tables: kernel.iommu.pool.live,
    locked: machine.process.mm.lockedVm,
    mappings: machine.type1.mappings.map(({ iovaPfn, pages, rights, lockedPages }) => ({
      ...{ iovaPfn, pages, rights, lockedPages },
    })),
    dmaAvail: machine.type1.dmaAvail,
    generation: machine.type1.generation,
    pins: (machine.digest() as { pins: unknown }).pins,
  };
}
