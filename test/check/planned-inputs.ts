import type { CheckInput } from "../../src/check/index.ts";
import type { Capability, MapRun } from "../../src/edit-script/index.ts";
import { createEngine } from "../../src/engine/index.ts";
import { FaultInjector } from "../../src/kernel/fault-injection.ts";
import { Iommu, NO_FRAME, RunList } from "../../src/kernel/iommu/index.ts";
import { iovaPfn, pfn } from "../../src/units/index.ts";
import { type Piece, pieceAt } from "../kernel-iommu/translations.ts";

/** What a list of pieces means for each page, as the runs that lead from `old` to `next`. */
function changes(old: readonly Piece[], next: readonly Piece[]): RunList {
  const cuts = [...new Set([...old, ...next].flatMap((p) => [p.start, p.end]))].sort((a, b) => a - b);
  const runs = new RunList();
  for (let i = 0; i + 1 < cuts.length; i++) {
    const [start, end] = [cuts[i]!, cuts[i + 1]!];
    const before = pieceAt(old, start);
    const after = pieceAt(next, start);
    const same =
      before !== undefined &&
      after !== undefined &&
      before.rights === after.rights &&
      before.frame - before.start === after.frame - after.start;
    if (same || (before === undefined && after === undefined)) continue;
    if (after === undefined) runs.push(iovaPfn(start), end - start, NO_FRAME, 0);
    else runs.push(iovaPfn(start), end - start, pfn(after.frame + start - after.start), after.rights);
  }
  return runs;
}

const mapRuns = (pieces: readonly Piece[]): MapRun[] =>
  pieces.map((p) => ({
    iovaPfn: iovaPfn(p.start),
    pages: p.end - p.start,
    pfn: pfn(p.frame),
    rights: p.rights,
  }));

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
