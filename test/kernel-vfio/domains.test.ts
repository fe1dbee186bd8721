import { describe, expect, it } from "vitest";
import { BootError, Kernel } from "../../src/kernel/index.ts";
import { Errno, VFIO_GROUP_UNSET_CONTAINER } from "../../src/uapi/index.ts";
import { iovaPfn } from "../../src/units/index.ts";
import { digest } from "../helpers/digest.ts";
import { bootSmall, SMALL_MACHINE, VfioUser } from "../helpers/vfio-user.ts";

const TWO_UNITS = {
  groups: [
    { deviceName: "0000:00:04.0", unit: 0 },
    { deviceName: "0000:00:05.0", unit: 1 },
  ],
};
const MAPPINGS = [
  [0n, 0x200000n, 3],
  [0x200000n, 0x5000n, 1],
  [0x10_0000_0000n, 0x400000n, 3],
] as const;

function mapped(options: Parameters<typeof VfioUser.ready>[0] = {}): { u: VfioUser; memory: bigint } {
  const u = VfioUser.ready(options);
  const memory = u.process.mmap(16 << 20, "pop", { layout: { kind: "fragmented", seed: 4 } });
  for (const [iova, size, rights] of MAPPINGS) expect(u.map(iova, size, memory, rights)).toBe(0);
  return { u, memory };
}

/** What every domain translates, page by page. */
function translations(u: VfioUser): string[][] {
  return u.iommu.domains.map((domain) =>
    u.kernel.iommu
      .physicalRuns(domain, iovaPfn(0), 2 ** (domain.capability.inputBits - 12))
      .map((run) => `${run.iovaPfn}+${run.pages}@${run.pfn}:${run.rights}`),
  );
}

describe("two groups in one container", () => {
  it("share a domain behind one unit", () => {
    const { u } = mapped();
    expect(u.attach(u.openGroup(1))).toBe(0);
    expect(u.iommu.domains).toHaveLength(1);
    expect([...u.iommu.domains[0]!.devices]).toEqual([0, 1]);
    u.process.ioctl(u.groups[0]!, VFIO_GROUP_UNSET_CONTAINER, 0n);
    expect(u.kernel.groups[1]!.container?.iommu?.mappings).toHaveLength(3);
  });

  it("get two domains with the same translations behind two units, pinned once", () => {
    const { u } = mapped(TWO_UNITS);
    const locked = u.process.mm.lockedVm;
    const pins = digest(u.kernel, u.process).pins;
    expect(u.attach(u.openGroup(1))).toBe(0);
    const [second, first] = translations(u);
    expect(u.iommu.domains).toHaveLength(2);
    expect(second).toEqual(first);
    expect(first!.length).toBeGreaterThan(100);
    expect(u.process.mm.lockedVm).toBe(locked);
    expect(digest(u.kernel, u.process).pins).toEqual(pins);
  });

  it("follow later maps and unmaps in both domains", () => {
    const { u, memory } = mapped({ ...TWO_UNITS, attach: 2 });
    expect(u.unmap(0x200000n, 0x5000n).size).toBe(0x5000n);
    expect(u.map(0x300000n, 0x1000n, memory)).toBe(0);
    const [second, first] = translations(u);
    expect(second).toEqual(first);
    expect(first!.at(-1)).toContain(`${0x10_0000_0000 / 4096 + 1023}+1@`);
    expect(u.unmap(0n, 0n, 2).result).toBe(0);
    expect(translations(u)).toEqual([[], []]);
    expect(u.process.mm.lockedVm).toBe(0);
  });

  it("have their tables cleaned when either unit does not snoop", () => {
    for (const [first, second] of [
      ["vtd-ss-48", "vtd-ss-48-nc"],
      ["vtd-ss-48-nc", "vtd-ss-48"],
    ] as const) {
      const groups = TWO_UNITS.groups.map((group, i) => ({ ...group, capability: [first, second][i]! }));
      const { u, memory } = mapped({ groups, attach: 2 });
      u.kernel.iommu.committer.forget();
      expect(u.map(0x400000n, 0x1000n, memory)).toBe(0);
      const steps = u.kernel.lastScripts.flatMap((script) => [...script]);
      const stored = new Set(steps.flatMap((s) => ("update" in s && "table" in s ? [s.table] : [])));
      const cleaned = new Set(steps.flatMap((s) => (s.op === "clean" ? [s.table] : [])));
      expect(stored.size).toBeGreaterThan(1);
      expect(cleaned).toEqual(stored);
    }
  });

  it("let go in the order of type1: other domains first, pins with the last one", () => {
    const { u } = mapped({ ...TWO_UNITS, attach: 2 });
    u.unmap(0x200000n, 0x5000n);
    const invalidated = u.kernel.lastScripts.map((script) => {
      const steps = [...script];
      const domains = steps.flatMap((step) => (step.op === "invalidate" ? [step.domain] : []));
      return [...new Set(domains), steps.some((step) => step.op === "unpin")];
    });
    const [newest, oldest] = u.iommu.domains.map(({ id }) => id);
    expect(invalidated).toEqual([
      [oldest, false],
      [newest, true],
    ]);
  });

  it("keep the map when either one leaves, and lose it with the last", () => {
    for (const [leaver, stayer] of [
      [0, 1],
      [1, 0],
    ] as const) {
      const { u } = mapped({ ...TWO_UNITS, attach: 2 });
      const [before] = translations(u);
      const locked = u.process.mm.lockedVm;
      expect(u.process.ioctl(u.groups[leaver]!, VFIO_GROUP_UNSET_CONTAINER, 0n)).toBe(0);
      const iommu = u.kernel.groups[stayer]!.container!.iommu!;
      expect(iommu.domains).toHaveLength(1);
      expect(
        u.kernel.iommu
          .physicalRuns(iommu.domains[0]!, iovaPfn(0), 2 ** 36)
          .map((run) => `${run.iovaPfn}+${run.pages}@${run.pfn}:${run.rights}`),
      ).toEqual(before);
      expect(u.process.mm.lockedVm).toBe(locked);
      expect(u.process.ioctl(u.groups[stayer]!, VFIO_GROUP_UNSET_CONTAINER, 0n)).toBe(0);
      expect(u.process.mm.lockedVm).toBe(0);
      expect(u.kernel.iommu.pool.live).toBe(0);
    }
  });
});

describe("a domain of another width", () => {
  const narrow = {
    groups: [
      { deviceName: "0000:00:04.0", unit: 0 },
      { deviceName: "0000:00:05.0", unit: 1, capability: "vtd-ss-39" },
    ],
  };

  it("narrows the usable range while it is there", () => {
    const u = VfioUser.ready(narrow);
    const a = u.process.mmap(0x1000, "pop");
    expect(u.attach(u.openGroup(1))).toBe(0);
    expect(u.map(1n << 39n, 0x1000n, a)).toBe(-Errno.EINVAL);
    u.process.ioctl(u.groups[1]!, VFIO_GROUP_UNSET_CONTAINER, 0n);
    expect(u.map(1n << 39n, 0x1000n, a)).toBe(0);
  });

  it("is refused, with nothing changed, when something is mapped beyond it", () => {
    const u = VfioUser.ready(narrow);
    const a = u.process.mmap(0x1000, "pop");
    expect(u.map(1n << 39n, 0x1000n, a)).toBe(0);
    const group = u.openGroup(1);
    const before = digest(u.kernel, u.process);
    expect(u.attach(group)).toBe(-Errno.EINVAL);
    expect(digest(u.kernel, u.process)).toEqual(before);
  });
});

describe("a kernel", () => {
  it("names an unknown profile when it cannot boot", () => {
    expect(() => new Kernel({ ...SMALL_MACHINE, capability: "vtd-ss-40" })).toThrow(BootError);
    expect(() => new Kernel({ ...SMALL_MACHINE, capability: "vtd-ss-40" })).toThrow(/vtd-ss-40.*vtd-ss-48/);
  });

  it("shows its tables, pins and the scripts of the last call", () => {
    const { u } = mapped();
    const domain = u.kernel.domains()[0]!;
    expect(u.kernel.tableWords(domain.root)[0]! & 3n).toBe(3n);
    expect(u.kernel.lastScripts.length).toBeGreaterThan(0);
    u.getInfo(24);
    expect(u.kernel.lastScripts).toEqual([]);
    const frame = u.kernel.iommu.physicalRuns(domain, iovaPfn(0), 1)[0]!.pfn;
    expect(u.kernel.framePins(frame)).toBe(3);
    expect(u.kernel.framePins(0x1000 as never)).toBe(0);
  });

  it("refuses the parameters a module would refuse", () => {
    const { parameters } = bootSmall();
    expect(parameters.write("dma_entry_limit", "-1")).toBe(-Errno.EINVAL);
    expect(parameters.write("dma_entry_limit", "4294967296")).toBe(-Errno.EINVAL);
    expect(parameters.write("disable_hugepages", "maybe")).toBe(-Errno.EINVAL);
    expect(parameters.write("colour", "1")).toBe(-Errno.ENOENT);
    expect(parameters).toMatchObject({ dmaEntryLimit: 65535, disableHugepages: false });
  });
});
