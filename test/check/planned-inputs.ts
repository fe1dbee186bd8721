import type { CheckInput } from "../../src/check/index.ts";
import type { Capability, MapRun } from "../../src/edit-script/index.ts";
import { createEngine } from "../../src/engine/index.ts";
import { FaultInjector } from "../../src/kernel/fault-injection.ts";
import { Iommu } from "../../src/kernel/iommu/index.ts";
import { iovaPfn, pfn } from "../../src/units/index.ts";
import { changes, type Piece } from "../kernel-iommu/translations.ts";

const mapRuns = (pieces: readonly Piece[]): MapRun[] =>
  pieces.map((p) => ({
    iovaPfn: iovaPfn(p.start),
    pages: p.end - p.start,
    pfn: pfn(p.frame),
    rights: p.rights,
  }));

/** Profiles, and numbers of domains, that the planner is tried on. */
export const PLANNED_ON = [
  ["vtd-ss-48", 1],
  ["vtd-ss-39", 2],
  ["vtd-ss-48-cm", 1],
  ["vtd-ss-48-nc", 1],
  ["vtd-ss-48-ad", 1],
] as const;

/** The script with which the kernel's planner leads from each of some maps to the next, and from the last to nothing. */
export function* plannedInputs(
  maps: readonly (readonly Piece[])[],
  capability: Capability,
  domainCount: number,
): Generator<CheckInput> {
  const engine = createEngine({ ramFrames: 512, tablePages: 4096 });
  const iommu = new Iommu({ engine, capability, faults: new FaultInjector(), releaseFrames: () => {} });
  const domains = Array.from({ length: domainCount }, () => iommu.createDomain()!);
  let old: readonly Piece[] = [];
  for (const next of [...maps, []]) {
    const planned = iommu.plan(domains, changes(old, next), true);
    if (typeof planned === "number") throw new Error(`plan: ${planned}`);
    // The plan is decided before it is committed, so the live tables are the tables before.
    yield {
      capability,
      domains: domains.map(({ id, root, levels }) => ({ id, root, levels })),
      tables: {
        isTable: (table) => table >= 0x10_0000 && table < 0x10_0000 + 4096,
        entry: (table, index) => engine.loadEntry(table, index),
      },
      script: planned.change.compose(capability.coherentWalk),
      oldMap: mapRuns(old),
      newMap: mapRuns(next),
    };
    iommu.commit(planned, domains);
    old = next;
  }
}
