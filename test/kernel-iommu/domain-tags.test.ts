import { describe, expect, it } from "vitest";
import { CAPABILITIES } from "../../src/edit-script/index.ts";
import { createEngine } from "../../src/engine/index.ts";
import { FaultInjector } from "../../src/kernel/index.ts";
import { DomainTags } from "../../src/kernel/iommu/domain-tags.ts";
import { Iommu } from "../../src/kernel/iommu/index.ts";

describe("domain tags", () => {
  it("are 16 bits wide, leave out 0, and are handed out once until given back", () => {
    const tags = new DomainTags(new FaultInjector());
    const taken = Array.from({ length: 65_535 }, () => tags.take());
    expect(new Set(taken).size).toBe(65_535);
    expect(Math.min(...taken.map(Number))).toBe(1);
    expect(tags.take()).toBeNull();
    tags.giveBack(77);
    expect([tags.take(), tags.take()]).toEqual([77, null]);
  });

  it("come back with the domain, which flushes them first", () => {
    const engine = createEngine({ ramFrames: 512, tablePages: 16 });
    const iommu = new Iommu({
      ...{ engine, capability: CAPABILITIES.get("vtd-ss-39")!, faults: new FaultInjector() },
      releaseFrames: () => {},
    });
    for (let i = 0; i < 70_000; i++) {
      const domain = iommu.createDomain();
      if (domain?.tag !== 1) expect.fail(`domain ${i} got tag ${domain?.tag}`);
      iommu.destroyDomain(domain);
    }
    expect(engine.counters).toMatchObject({ tablesFreed: 70_000, invalidations: 140_000, waits: 140_000 });
    expect(iommu.pool.live).toBe(0);
  });
});
