import { afterAll, describe, expect, it } from "vitest";
import type { FaultSite, KernelOptions } from "../../src/kernel/index.ts";
import { Errno, VFIO_IOMMU_DIRTY_PAGES } from "../../src/uapi/index.ts";
import { Machine, PAGE, type RegionSpec } from "./machine.ts";

const MIB = 1n << 20n;
const GIB = 1n << 30n;
const DRY_RUN = 1;
const EPOCH = 8;

interface Scenario {
  readonly name: string;
  readonly options?: KernelOptions;
  /** Brings the machine into the old state and returns the new map. */
  readonly arrange: (machine: Machine) => RegionSpec[];
}

const TWO_DOMAINS: KernelOptions = {
  groups: [
    { deviceName: "0000:00:04.0", unit: 0 },
    { deviceName: "0000:00:05.0", unit: 1, capability: "vtd-ss-39" },
  ],
};

function set(machine: Machine, regions: RegionSpec[]): void {
  expect(machine.setMap(regions)).toBe(0);
}

const scenarios: Scenario[] = [
  {
    name: "a first map of contiguous and scattered memory",
    arrange: (m) => [
      { iova: PAGE, size: 3n * MIB, vaddr: m.process.mmap(4n * MIB, "thp") + PAGE },
      {
        iova: 8n * MIB,
        size: 16n * PAGE,
        vaddr: m.process.mmap(MIB, "pop", { layout: { kind: "fragmented", seed: 1 } }),
      },
    ],
  },
  {
    name: "a boundary that moves inside a 2 MiB leaf",
    arrange: (m) => {
      const ram = m.process.mmap(4n * MIB, "thp");
      set(m, [{ iova: 0n, size: 4n * MIB, vaddr: ram }]);
      return [
        { iova: 0n, size: 3n * MIB + PAGE, vaddr: ram },
        { iova: 3n * MIB + 2n * PAGE, size: 4n * PAGE, vaddr: ram },
      ];
    },
  },
  {
    name: "a hole inside a 1 GiB leaf",
    options: { ramFrames: 2 ** 20 },
    arrange: (m) => {
      const ram = m.process.mmap(GIB, "huge1g");
      set(m, [{ iova: 0n, size: GIB, vaddr: ram }]);
      const hole = GIB / 2n + 5n * PAGE;
      return [
        { iova: 0n, size: hole, vaddr: ram },
        { iova: hole + PAGE, size: GIB - hole - PAGE, vaddr: ram + hole + PAGE },
      ];
    },
  },
  {
    name: "other frames of another shape behind the same addresses",
    arrange: (m) => {
      set(m, [{ iova: 0n, size: 4n * MIB, vaddr: m.process.mmap(4n * MIB, "thp") }]);
      return [
        { iova: 0n, size: 4n * MIB, vaddr: m.process.mmap(4n * MIB, "thp") + 0n },
        {
          iova: 6n * MIB,
          size: 8n * PAGE,
          vaddr: m.process.mmap(MIB, "pop", { layout: { kind: "fragmented", seed: 2 } }),
        },
      ];
    },
  },
  {
    name: "scattered frames under a former superpage",
    arrange: (m) => {
      const ram = m.process.mmap(2n * MIB, "thp");
      set(m, [{ iova: 0n, size: 2n * MIB, vaddr: ram }]);
      const scattered = m.process.mmap(MIB, "pop", { layout: { kind: "fragmented", seed: 4 } });
      return [
        { iova: 0n, size: MIB, vaddr: ram },
        { iova: MIB, size: 24n * PAGE, vaddr: scattered },
        { iova: MIB + 24n * PAGE, size: MIB - 24n * PAGE, vaddr: ram + MIB + 24n * PAGE },
      ];
    },
  },
  {
    name: "read-only flips with dirty tracking on",
    arrange: (m) => {
      const ram = m.process.mmap(4n * MIB, "thp");
      set(m, [{ iova: 0n, size: 4n * MIB, vaddr: ram }]);
      m.process.write(m.reportAt, new Uint8Array(new Uint32Array([8, 1]).buffer));
      expect(m.process.ioctl(m.container, VFIO_IOMMU_DIRTY_PAGES, m.reportAt)).toBe(0);
      return [
        { iova: 0n, size: MIB, vaddr: ram },
        { iova: MIB, size: MIB, vaddr: ram + MIB, flags: 1 },
        { iova: 2n * MIB, size: 2n * MIB, vaddr: ram + 2n * MIB },
      ];
    },
  },
  {
    name: "two domains with different address widths",
    options: TWO_DOMAINS,
    arrange: (m) => {
      const ram = m.process.mmap(8n * MIB, "thp");
      set(m, [{ iova: 0n, size: 4n * MIB, vaddr: ram }]);
      return [
        { iova: 0n, size: MIB, vaddr: ram },
        { iova: MIB + PAGE, size: 6n * MIB, vaddr: ram + MIB + PAGE },
      ];
    },
  },
  {
    name: "a map that legacy calls made",
    arrange: (m) => {
      const ram = m.process.mmap(4n * MIB, "thp");
      for (let i = 0n; i < 4n; i++) expect(m.map({ iova: i * MIB, size: MIB, vaddr: ram + i * MIB })).toBe(0);
      return [
        { iova: 0n, size: 2n * MIB, vaddr: ram },
        { iova: 3n * MIB, size: 2n * MIB, vaddr: ram + 2n * MIB },
      ];
    },
  },
  {
    name: "a full replacement under a memory limit",
    arrange: (m) => {
      m.process.setMemlockLimit(Number(2n * MIB));
      m.process.dropCapabilities();
      set(m, [{ iova: 0n, size: 2n * MIB - PAGE, vaddr: m.process.mmap(2n * MIB, "pop") }]);
      return [{ iova: 4n * MIB, size: 2n * MIB, vaddr: m.process.mmap(2n * MIB, "pop") }];
    },
  },
  {
    name: "neighbours that join into one leaf again",
    arrange: (m) => {
      const ram = m.process.mmap(2n * MIB, "thp");
      set(m, [
        { iova: 0n, size: MIB, vaddr: ram },
        { iova: MIB, size: MIB - PAGE, vaddr: ram + MIB, flags: 1 },
      ]);
      return [{ iova: 0n, size: 2n * MIB, vaddr: ram }];
    },
  },
];

describe.each([
  ["SET_MAP", 0],
  ["SET_MAP with EPOCH", EPOCH],
])("%s with the n-th allocation or pin failing", (_, flags) => {
  const reached = new Map<FaultSite, number>();

  it.each(scenarios)("leaves everything as it was: $name", ({ options, arrange }) => {
    const machine = new Machine({ ramFrames: 2 ** 15, tablePages: 2048, ...options });
    const { faults } = machine.kernel;
    const next = arrange(machine);
    // Every question the call can ask, counted in a run that is undone: the sweep must meet each of them.
    faults.arm(0);
    expect(machine.setMap(next, { flags: DRY_RUN | flags })).toBe(0);
    const questions = [...faults.sites.values()].reduce((sum, count) => sum + count, 0);
    const before = machine.digest();
    let failures = 0;
    for (let nth = 1; ; nth++) {
      faults.arm(nth);
      const result = machine.setMap(next, { flags });
      const site = faults.hit;
      if (site === null) {
        expect(result).toBe(0);
        break;
      }
      failures++;
      reached.set(site, (reached.get(site) ?? 0) + 1);
      faults.arm(0);
      expect(result).toBe(site === "tag" ? -Errno.ENOSPC : -Errno.ENOMEM);
      expect(machine.digest()).toEqual(before);
    }
    faults.arm(0);
    expect(failures).toBe(questions);
    expect(failures).toBeGreaterThan(0);
  });

  afterAll(() => {
    const tag = flags === EPOCH ? (["tag"] as const) : [];
    for (const site of ["pin", "account", "table", "tracking", "bitmap", ...tag] as const)
      expect(reached.get(site), `no scenario made '${site}' fail`).toBeGreaterThan(0);
  });
});
