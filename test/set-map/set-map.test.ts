import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Errno } from "../../src/uapi/index.ts";
import { joined, type Piece, readTranslations } from "../kernel-iommu/translations.ts";
import { Machine, PAGE, type PinRun, type RegionSpec } from "./machine.ts";

const MIB = 1n << 20n;
const TOP = 1n << 64n;
const DRY_RUN = 1;
const EXPECT_GENERATION = 2;

/** What the tables must translate: each page of each region to the frame the process has there. */
function expected(machine: Machine, regions: readonly RegionSpec[]): Piece[] {
  const pieces: Piece[] = [];
  for (const { iova, size, vaddr, flags = 3 } of [...regions].sort((a, b) => Number(a.iova - b.iova))) {
    const first = Number(vaddr >> 12n);
    for (const run of machine.process.mm.pagemap(first as never, Number(size >> 12n))) {
      const start = Number(iova >> 12n) + run.vaddrPfn - first;
      pieces.push({ start, end: start + run.pages, frame: run.pfn, rights: flags });
    }
  }
  return joined(pieces);
}

const translations = (machine: Machine, domain = 0): Piece[] =>
  readTranslations(machine.kernel.engine, machine.kernel.domains()[domain]!).pieces;

/** Pages pinned, by adding up the digest. */
const pinned = (machine: Machine): number =>
  (machine.digest() as { pins: PinRun[] }).pins.reduce((sum, [, frames, count]) => sum + frames * count, 0);

describe("VFIO_IOMMU_SET_MAP", () => {
  it("makes the tables translate exactly the given map, whatever was there before", () => {
    const machine = new Machine();
    const contiguous = machine.process.mmap(8n * MIB, "thp");
    const scattered = machine.process.mmap(4n * MIB, "pop", { layout: { kind: "fragmented", seed: 7 } });
    const page = fc.integer({ min: 0, max: 1023 }).map(BigInt);
    const region = fc.tuple(
      page,
      fc.constantFrom(1n, 2n, 5n, 512n, 300n),
      fc.boolean(),
      fc.constantFrom(1, 3),
      page,
    );
    fc.assert(
      fc.property(fc.array(fc.array(region, { maxLength: 6 }), { minLength: 1, maxLength: 5 }), (maps) => {
        for (const candidates of maps) {
          const regions: RegionSpec[] = [];
          for (const [at, pages, isContiguous, flags, from] of candidates) {
            const iova = at * PAGE * 2n;
            const size = pages * PAGE;
            if (regions.some((r) => iova < r.iova + r.size && r.iova < iova + size)) continue;
            const vaddr = isContiguous ? contiguous + (iova % (4n * MIB)) : scattered + (from % 512n) * PAGE;
            regions.push({ iova, size, vaddr, flags });
          }
          expect(machine.setMap(regions)).toBe(0);
          expect(translations(machine)).toEqual(expected(machine, regions));
          const pages = regions.reduce((sum, r) => sum + Number(r.size / PAGE), 0);
          expect(machine.process.mm.lockedVm).toBe(pages);
          expect(pinned(machine)).toBe(pages);
          expect(machine.type1.mappings.reduce((sum, m) => sum + m.lockedPages, 0)).toBe(pages);
          expect(machine.type1.mappings.length).toBe(regions.length);
          expect(machine.type1.dmaAvail).toBe(65535 - regions.length);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("stores, invalidates and pins nothing when the map is the one in force", () => {
    const machine = new Machine();
    const ram = machine.process.mmap(8n * MIB, "thp");
    const regions = [
      { iova: 0n, size: 4n * MIB, vaddr: ram },
      { iova: 8n * MIB, size: 4n * MIB, vaddr: ram + 4n * MIB, flags: 1 },
    ];
    expect(machine.setMap(regions)).toBe(0);
    const before = machine.digest();
    expect(machine.setMap(regions)).toBe(0);
    expect(machine.digest()).toEqual(before);
    expect(machine.kernel.lastScripts.length).toBe(0);
    // The same map, told in another order and cut differently, changes no entry either.
    const { entryStores, invalidations } = { ...machine.kernel.engine.counters };
    expect(
      machine.setMap([
        regions[1]!,
        { ...regions[0]!, size: MIB },
        { iova: MIB, size: 3n * MIB, vaddr: ram + MIB },
      ]),
    ).toBe(0);
    expect(machine.kernel.engine.counters).toMatchObject({ entryStores, invalidations });
    expect(machine.type1.mappings.length).toBe(3);
    expect(machine.report).toMatchObject({
      bytes_kept: 8n * MIB,
      bytes_added: 0n,
      bytes_removed: 0n,
      bytes_changed: 0n,
    });
  });

  it("splits a 2 MiB leaf for a hole with one store and keeps every pin of the rest", () => {
    const machine = new Machine();
    const ram = machine.process.mmap(4n * MIB, "thp");
    expect(machine.setMap([{ iova: 0n, size: 4n * MIB, vaddr: ram }])).toBe(0);
    expect(
      machine.setMap([
        { iova: 0n, size: MIB, vaddr: ram },
        { iova: MIB + 4n * PAGE, size: 3n * MIB - 4n * PAGE, vaddr: ram + MIB + 4n * PAGE },
      ]),
    ).toBe(0);
    expect(machine.report).toMatchObject({
      bytes_kept: 4n * MIB - 4n * PAGE,
      bytes_removed: 4n * PAGE,
      leaves_split: 1n,
      entry_stores: 1n,
      tables_built: 1n,
      invalidations: 1n,
      pages_pinned: 0n,
      pages_unpinned: 4n,
      bad_region: 0xffff_ffff,
    });
    expect(machine.setMap([{ iova: 0n, size: 4n * MIB, vaddr: ram }])).toBe(0);
    expect(machine.report).toMatchObject({
      leaves_merged: 1n,
      entry_stores: 1n,
      tables_freed: 1n,
      pages_pinned: 4n,
    });
  });

  it("reports in a dry run what the call then does, and leaves everything as it was", () => {
    const machine = new Machine();
    const ram = machine.process.mmap(16n * MIB, "thp");
    const other = machine.process.mmap(2n * MIB, "pop", { layout: { kind: "fragmented", seed: 3 } });
    expect(machine.setMap([{ iova: 0n, size: 8n * MIB, vaddr: ram }])).toBe(0);
    const next = [
      { iova: 0n, size: 3n * MIB, vaddr: ram },
      { iova: 3n * MIB, size: 2n * MIB, vaddr: other },
      { iova: 6n * MIB, size: 4n * MIB, vaddr: ram + 6n * MIB, flags: 1 },
    ];
    const before = machine.digest();
    expect(machine.setMap(next, { flags: DRY_RUN })).toBe(0);
    const foretold = machine.report;
    expect(machine.digest()).toEqual(before);
    expect(machine.argument.generation).toBe(1n);
    const counters = { ...machine.kernel.engine.counters };
    expect(machine.setMap(next)).toBe(0);
    expect(machine.report).toEqual(foretold);
    expect(machine.argument.generation).toBe(2n);
    const { entryStores, invalidations } = machine.kernel.engine.counters;
    expect(BigInt(entryStores - counters.entryStores)).toBe(foretold.entry_stores);
    expect(BigInt(invalidations - counters.invalidations)).toBe(foretold.invalidations);
    expect(foretold.pages_pinned_peak).toBe(BigInt(2048 + 512 + 1024));
  });

  it("counts only net pages against RLIMIT_MEMLOCK, so that a map of legal size can be exchanged for another", () => {
    const machine = new Machine();
    const a = machine.process.mmap(2n * MIB, "pop");
    const b = machine.process.mmap(4n * MIB, "pop");
    machine.process.setMemlockLimit(Number(2n * MIB));
    machine.process.dropCapabilities();
    expect(machine.setMap([{ iova: 0n, size: 2n * MIB, vaddr: a }])).toBe(0);
    expect(machine.setMap([{ iova: 0n, size: 2n * MIB, vaddr: b }])).toBe(0);
    const before = machine.digest();
    expect(machine.setMap([{ iova: 0n, size: 2n * MIB + PAGE, vaddr: b }])).toBe(-Errno.ENOMEM);
    expect(machine.digest()).toEqual(before);
  });

  it("mixes with MAP_DMA and UNMAP_DMA by the rules of type1 v2", () => {
    const machine = new Machine();
    const ram = machine.process.mmap(4n * MIB, "thp");
    expect(
      machine.setMap([
        { iova: 0n, size: MIB, vaddr: ram },
        { iova: MIB, size: MIB, vaddr: ram + MIB },
      ]),
    ).toBe(0);
    expect(machine.map({ iova: MIB, size: PAGE, vaddr: ram })).toBe(-Errno.EEXIST);
    expect(machine.unmap(0n, PAGE)).toBe(-Errno.EINVAL);
    // One 2 MiB leaf serves both regions; the legacy call may take one of them all the same.
    expect(machine.unmap(0n, MIB)).toBe(0);
    expect(translations(machine)).toEqual(expected(machine, [{ iova: MIB, size: MIB, vaddr: ram + MIB }]));
    expect(machine.map({ iova: 2n * MIB, size: MIB, vaddr: ram + 2n * MIB })).toBe(0);
    expect(machine.setMap([{ iova: 0n, size: 4n * MIB, vaddr: ram }])).toBe(0);
    expect(machine.report).toMatchObject({ bytes_kept: 2n * MIB, bytes_added: 2n * MIB });
    expect(pinned(machine)).toBe(1024);
  });

  it("changes every domain of a container or none", () => {
    const groups = [
      { deviceName: "0000:00:04.0", unit: 0 },
      { deviceName: "0000:00:05.0", unit: 1, capability: "vtd-ss-57" },
    ];
    const machine = new Machine({ groups });
    expect(machine.kernel.domains().length).toBe(2);
    const ram = machine.process.mmap(4n * MIB, "thp");
    const old = [{ iova: 0n, size: 4n * MIB, vaddr: ram }];
    const next = [
      { iova: 0n, size: MIB, vaddr: ram },
      { iova: 2n * MIB, size: MIB, vaddr: ram, flags: 1 },
    ];
    expect(machine.setMap(old)).toBe(0);
    expect(machine.setMap(next)).toBe(0);
    for (const domain of [0, 1]) expect(translations(machine, domain)).toEqual(expected(machine, next));
    expect(pinned(machine)).toBe(512);
  });

  describe("refuses, and changes nothing:", () => {
    const machine = new Machine({ dmaEntryLimit: 8 });
    const ram = machine.process.mmap(4n * MIB, "thp");
    const readOnly = machine.process.mmap(MIB, "ro");
    expect(machine.setMap([{ iova: 0n, size: 4n * MIB, vaddr: ram }])).toBe(0);
    const good: RegionSpec = { iova: 0n, size: MIB, vaddr: ram };
    const regionCases: [string, number, RegionSpec, number][] = [
      ["size 0", Errno.EINVAL, { ...good, size: 0n }, 1],
      ["an unaligned iova", Errno.EINVAL, { ...good, iova: 0x100n }, 1],
      ["an unaligned size", Errno.EINVAL, { ...good, iova: 2n * MIB, size: 0x1800n }, 1],
      ["an unaligned vaddr", Errno.EINVAL, { ...good, iova: 2n * MIB, vaddr: ram + 8n }, 1],
      ["no right", Errno.EINVAL, { ...good, iova: 2n * MIB, flags: 0 }, 1],
      ["an unknown region flag", Errno.EINVAL, { ...good, iova: 2n * MIB, flags: 4 }, 1],
      ["a region's reserved field", Errno.EINVAL, { ...good, iova: 2n * MIB, reserved: 1 }, 1],
      ["an iova that wraps", Errno.EOVERFLOW, { ...good, iova: TOP - PAGE, size: 2n * PAGE }, 1],
      [
        "a vaddr that wraps",
        Errno.EOVERFLOW,
        { ...good, iova: 2n * MIB, vaddr: TOP - PAGE, size: 2n * PAGE },
        1,
      ],
      ["the interrupt window", Errno.EINVAL, { ...good, iova: 0xfee00000n, size: PAGE }, 1],
      ["an iova beyond the address width", Errno.EINVAL, { ...good, iova: 1n << 48n, size: PAGE }, 1],
      [
        "an overlap, naming the region listed later",
        Errno.EEXIST,
        { ...good, iova: MIB - PAGE, size: PAGE },
        1,
      ],
    ];
    for (const [what, errno, bad, index] of regionCases)
      it(what, () => {
        const before = machine.digest();
        expect(machine.setMap([good, bad])).toBe(-errno);
        expect(machine.report.bad_region).toBe(index);
        expect(machine.digest()).toEqual(before);
      });

    const argumentCases: [string, number, Parameters<Machine["setMap"]>[1]][] = [
      ["a short argsz", Errno.EINVAL, { argsz: 47 }],
      ["an unknown flag", Errno.EINVAL, { flags: 16 }],
      ["a reserved field", Errno.EINVAL, { reserved: 1 }],
      ["a short region_size", Errno.EINVAL, { regionSize: 24 }],
      ["a region_size that is no multiple of 8", Errno.EINVAL, { regionSize: 36 }],
      ["a report_size without report", Errno.EINVAL, { report: 0n }],
      ["a report without report_size", Errno.EINVAL, { reportSize: 0 }],
      ["more regions than the limit", Errno.E2BIG, { nrRegions: 9 }],
      ["a list that cannot be read", Errno.EFAULT, { regions: 0x1000n }],
      ["a report that cannot be written", Errno.EFAULT, { report: readOnly }],
      [
        "another generation than the one in force",
        Errno.ESTALE,
        { flags: EXPECT_GENERATION, generation: 7n },
      ],
    ];
    for (const [what, errno, options] of argumentCases)
      it(what, () => {
        const before = machine.digest();
        expect(machine.setMap([good], options)).toBe(-errno);
        expect(machine.digest()).toEqual(before);
      });

    it("an argument that cannot be read, or not be written", () => {
      const before = machine.digest();
      expect(machine.process.ioctl(machine.container, 0x3b7c, 0n)).toBe(-Errno.EFAULT);
      expect(machine.process.ioctl(machine.container, 0x3b7c, readOnly)).toBe(-Errno.EINVAL);
      expect(machine.digest()).toEqual(before);
    });

    it("a longer argument or region with something behind the known part; zeros are fine", () => {
      const before = machine.digest();
      const whole = [{ iova: 0n, size: 4n * MIB, vaddr: ram }];
      expect(machine.setMap(whole, { argsz: 64 })).toBe(0);
      expect(machine.setMap(whole, { regionSize: 40 })).toBe(0);
      const at = machine.writeRegions(whole, 40);
      machine.process.write(at + 39n, new Uint8Array([1]));
      expect(machine.setMapAt(machine.reportAt - 4096n, 1, { regionSize: 40 })).toBe(-Errno.E2BIG);
      machine.process.write(machine.reportAt - 4096n + 60n, new Uint8Array([1]));
      expect(machine.setMap(whole, { argsz: 64 })).toBe(-Errno.E2BIG);
      machine.process.write(machine.reportAt - 4096n + 60n, new Uint8Array([0]));
      expect(machine.digest()).toEqual(before);
    });

    it("a vaddr that cannot be pinned, also when pages before it could be", () => {
      const before = machine.digest();
      expect(machine.setMap([good, { iova: 8n * MIB, size: 2n * MIB, vaddr: ram + 3n * MIB }])).toBe(
        -Errno.EFAULT,
      );
      expect(machine.setMap([good, { iova: 8n * MIB, size: MIB, vaddr: readOnly }])).toBe(-Errno.EFAULT);
      expect(machine.digest()).toEqual(before);
    });
  });
});
