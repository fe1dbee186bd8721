import { describe, expect, it } from "vitest";
import type { FaultSite } from "../../src/kernel/index.ts";
import {
  Errno,
  encode,
  VFIO_GROUP_UNSET_CONTAINER,
  VFIO_IOMMU_SET_MAP,
  vfio_iommu_type1_map_region,
  vfio_iommu_type1_set_map,
} from "../../src/uapi/index.ts";
import { iovaPfn } from "../../src/units/index.ts";
import { digest } from "../helpers/digest.ts";
import { VfioUser } from "../helpers/vfio-user.ts";

const M = 1n << 20n;

/** A prepared machine and the call under test; `sites` are the places the sweep must reach. */
interface Case {
  readonly name: string;
  readonly sites: readonly FaultSite[];
  prepare(): { u: VfioUser; call: () => number };
}

const TWO_UNITS = {
  groups: [
    { deviceName: "0000:00:04.0", unit: 0 },
    { deviceName: "0000:00:05.0", unit: 1 },
  ],
};

function prepared(options: Parameters<typeof VfioUser.ready>[0] = {}): { u: VfioUser; a: bigint } {
  const u = VfioUser.ready(options);
  const a = u.process.mmap(4n * M, "pop", { layout: { kind: "fragmented", seed: 8 } });
  expect(u.map(0x8000_0000n, 0x6000n, a)).toBe(0);
  expect(u.map(0x8020_0000n, 2n * M, a)).toBe(0);
  return { u, a };
}

const CASES: readonly Case[] = [
  {
    name: "MAP_DMA of scattered memory",
    sites: ["tracking", "pin", "account", "table"],
    prepare: () => {
      const { u, a } = prepared();
      return { u, call: () => u.map(0x3fe0_0000n, 0x40000n, a) };
    },
  },
  {
    name: "MAP_DMA in two domains while dirty pages are tracked",
    sites: ["tracking", "pin", "account", "table", "bitmap"],
    prepare: () => {
      const { u, a } = prepared({ ...TWO_UNITS, attach: 2 });
      expect(u.dirty(1)).toBe(0);
      return { u, call: () => u.map(0x10_0000_0000n, 0x20000n, a) };
    },
  },
  {
    name: "DIRTY_PAGES START",
    sites: ["bitmap"],
    prepare: () => {
      const { u } = prepared();
      return { u, call: () => u.dirty(1) };
    },
  },
  {
    name: "attaching a second domain",
    sites: ["tracking", "table", "tag"],
    prepare: () => {
      const { u } = prepared(TWO_UNITS);
      const group = u.openGroup(1);
      return { u, call: () => u.attach(group) };
    },
  },
  {
    name: "SET_IOMMU with two groups",
    sites: ["tracking", "table", "tag"],
    prepare: () => {
      const u = VfioUser.ready({ ...TWO_UNITS, attach: 2 });
      for (const group of u.groups) expect(u.process.ioctl(group, VFIO_GROUP_UNSET_CONTAINER, 0n)).toBe(0);
      for (const group of u.groups) expect(u.attach(group)).toBe(0);
      return { u, call: () => u.setIommu(2) };
    },
  },
];

describe("every allocation that fails", () => {
  it.each(CASES)("during $name leaves everything as it was", ({ sites, prepare }) => {
    const reached = new Set<FaultSite>();
    let failures = 0;
    for (let nth = 1; ; nth++) {
      const { u, call } = prepare();
      const before = digest(u.kernel, u.process);
      u.kernel.faults.arm(nth);
      const result = call();
      const { hit } = u.kernel.faults;
      u.kernel.faults.arm(0);
      if (hit === null) {
        expect(result).toBe(0);
        break;
      }
      reached.add(hit);
      failures++;
      expect([nth, hit, result]).toEqual([nth, hit, result < 0 ? result : "a negative errno"]);
      expect(digest(u.kernel, u.process)).toEqual(before);
      expect(call()).toBe(0);
      u.process.exit();
      expect(u.kernel.iommu.pool.live).toBe(0);
      expect(u.process.mm.lockedVm).toBe(0);
    }
    expect(failures).toBeGreaterThan(0);
    expect([...reached].sort()).toEqual([...sites].sort());
  });

  it("finds UNMAP_DMA needing nothing", () => {
    const { u } = prepared({ ...TWO_UNITS, attach: 2 });
    u.kernel.faults.arm(1);
    expect(u.unmap(0n, 0n, 2)).toEqual({ result: 0, size: 0x6000n + 2n * M });
    expect(u.kernel.faults.hit).toBeNull();
    expect(u.process.mm.lockedVm).toBe(0);
  });
});

describe("UNMAP_DMA of a region whose leaf reaches into the next one", () => {
  /** Two regions of 1 MiB that set-map serves with one 2 MiB leaf. */
  function merged(options: Parameters<typeof VfioUser.ready>[0]): VfioUser {
    const u = VfioUser.ready(options);
    const a = u.process.mmap(2n * M, "huge2m");
    const regions = [0n, M].map((at) => ({ iova: at, size: M, vaddr: a + at, flags: 3, reserved: 0 }));
    u.process.write(
      u.bitmap,
      new Uint8Array(regions.flatMap((r) => [...encode(vfio_iommu_type1_map_region, r)])),
    );
    const argument = {
      argsz: 48,
      flags: 0,
      generation: 0n,
      regions: u.bitmap,
      nr_regions: 2,
      region_size: 32,
    };
    const struct = encode(vfio_iommu_type1_set_map, { ...argument, report: 0n, report_size: 0, reserved: 0 });
    expect(u.process.ioctl(u.container, VFIO_IOMMU_SET_MAP, u.put(struct))).toBe(0);
    return u;
  }
  const translations = (u: VfioUser): unknown[] =>
    u.iommu.domains.map((domain) => u.kernel.iommu.physicalRuns(domain, iovaPfn(0), 512));

  it("splits the leaf and leaves the neighbour", () => {
    const u = merged({ ...TWO_UNITS, attach: 2 });
    expect(u.kernel.engine.walk(u.iommu.domains[0]!.root, 4, iovaPfn(0))).toMatchObject({ level: 1 });
    expect(u.unmap(0n, M)).toEqual({ result: 0, size: M });
    for (const domain of u.iommu.domains) {
      expect(u.kernel.engine.walk(domain.root, 4, iovaPfn(255))).toBeNull();
      expect(u.kernel.engine.walk(domain.root, 4, iovaPfn(256))).not.toBeNull();
    }
    expect(u.process.mm.lockedVm).toBe(256);
  });

  it("changes no translation, pin or charge when there is no table for the split", () => {
    let failures = 0;
    for (let nth = 1; ; nth++) {
      const u = merged({ ...TWO_UNITS, attach: 2 });
      const { tables: _tables, tablesInUse: _inUse, ...before } = digest(u.kernel, u.process);
      const translated = translations(u);
      u.kernel.faults.arm(nth);
      const { result } = u.unmap(0n, M);
      const { hit } = u.kernel.faults;
      u.kernel.faults.arm(0);
      if (hit === null) break;
      failures++;
      expect([hit, result]).toEqual(["table", -Errno.ENOMEM]);
      expect(digest(u.kernel, u.process)).toMatchObject(before);
      expect(translations(u)).toEqual(translated);
      expect(u.unmap(0n, 0n, 2)).toEqual({ result: 0, size: 2n * M });
      u.process.exit();
      expect(u.kernel.iommu.pool.live).toBe(0);
    }
    expect(failures).toBe(2);
  });
});
