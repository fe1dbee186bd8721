import { describe, expect, it } from "vitest";
import { type CheckCase, decideChanges, runCheck } from "../../src/harness/index.ts";
import { whyRefused } from "../../src/harness/stress/refusal.ts";
import { runStress } from "../../src/index.ts";
import { Kernel } from "../../src/kernel/index.ts";
import { Errno } from "../../src/uapi/index.ts";
import { type MapRegion, makeMemoryMap, parseMapFile, region, STRATEGIES } from "../../src/vmm/index.ts";

const decide = (text: string, format: string, strategy: string): unknown => {
  const sequence = parseMapFile(`hitless-map 1\n${text}`, "vm.map");
  const how: CheckCase = { sequence, format, seed: 1, backing: "pop", mutant: null };
  return [...decideChanges(how, STRATEGIES.get(strategy)!, ["weak"])];
};
const EMPTY_THEN = "map off\nmap on\nregion iova=";

describe("a map that the kernel refuses for its addresses", () => {
  it.each(["legacy", "vmm-diff", "set-map"])("is named with the region and what there is: %s", (strategy) => {
    const armGuest = `${EMPTY_THEN}0x40000000 size=4G backing=ram rights=rw`;
    expect(() => decide(armGuest, "vtd-ss-48", strategy)).toThrow(
      `${strategy}: the kernel refused the map 'on' (vm.map:3) with EINVAL: region ` +
        "0x40000000-0x13fffffff ram+0x0 rw is not within 0x0-0xfedfffff or 0xfef00000-0xffffffffffff, " +
        "which is all that vtd-ss-48 gives a device",
    );
  });

  it("is one that another format can translate, where its address is too high", () => {
    const high = `${EMPTY_THEN}1T size=2M backing=bar rights=rw`;
    expect(() => decide(high, "vtd-ss-39", "set-map")).toThrow("or 0xfef00000-0x7fffffffff,");
    expect(decide(high, "vtd-ss-48", "set-map")).toHaveLength(1);
  });
});

describe("a map with more regions than a container can hold", () => {
  const regions = (count: number, gap: number): MapRegion[] =>
    Array.from({ length: count }, (_, i) => region(i * (4096 + gap), 4096, "ram", i * 4096, 3));
  const sequenceOf = (list: readonly MapRegion[]) => ({
    name: "many",
    source: "test",
    notes: [],
    steps: [[], list].map((part, line) => ({
      label: `map ${line}`,
      map: makeMemoryMap(part),
      origin: { file: "many.map", line },
      skipped: [],
    })),
  });
  const run = (list: readonly MapRegion[], ...names: string[]) => {
    const options = {
      ...{ sequence: sequenceOf(list), input: "many.map", format: "vtd-ss-48", seed: 1 },
      ...{ backing: "pop" as const, mutant: null, replay: () => "" },
      strategies: names.map((name) => STRATEGIES.get(name)!),
    };
    const stress = { ...options, timeMs: 1, devices: 1, perturb: false };
    return { check: runCheck({ ...options, modes: ["weak"] }), stress: runStress(stress) };
  };
  const sentence = (names: string): string =>
    `${names}: the kernel refuses the map 'map 1' (many.map:1), which has 65,536 regions: ` +
    "a container takes 65,535 at most (dma_entry_limit of vfio_iommu_type1)";

  it("is refused before anything runs, with the limit", async () => {
    const { check, stress } = run(regions(65_536, 4096), "vmm-diff", "set-map");
    await expect(check).rejects.toThrow(sentence("vmm-diff, set-map"));
    await expect(stress).rejects.toThrow(sentence("vmm-diff, set-map"));
  });

  it("is not refused for the strategy that joins them", async () => {
    const { check, stress } = run(regions(65_536, 0), "vmm-diff", "legacy");
    await expect(check).rejects.toThrow(sentence("legacy"));
    await expect(stress).rejects.toThrow(sentence("legacy"));
  });

  it("is named with its regions when a kernel with a limit of its own refuses it", () => {
    const kernel = new Kernel({ dmaEntryLimit: 2 });
    const map = makeMemoryMap(regions(3, 4096));
    const why = "it has 3 regions, and a container takes 2 at most (dma_entry_limit of vfio_iommu_type1)";
    expect(whyRefused(kernel, map, -Errno.E2BIG)).toBe(why);
    expect(whyRefused(kernel, map, -Errno.ENOSPC)).toBe(why);
    expect(whyRefused(kernel, map, -Errno.ENOMEM)).toBeNull();
  });
});
