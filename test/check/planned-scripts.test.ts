import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CheckInput, check } from "../../src/check/index.ts";
import { CAPABILITIES, type MapRun } from "../../src/edit-script/index.ts";
import { createEngine } from "../../src/engine/index.ts";
import { FaultInjector } from "../../src/kernel/fault-injection.ts";
import { Iommu, NO_FRAME, RunList } from "../../src/kernel/iommu/index.ts";
import { iovaPfn, pfn } from "../../src/units/index.ts";
import { memoryMap } from "../kernel-iommu/arbitrary-maps.ts";
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

describe("scripts of the planner", () => {
  it.each([
    ["vtd-ss-48", 1],
    ["vtd-ss-39", 2],
    ["vtd-ss-48-cm", 1],
    ["vtd-ss-48-nc", 1],
    ["vtd-ss-48-ad", 1],
  ])("are clean on %s with %i domains in both memory modes", (name, count) => {
    const capability = CAPABILITIES.get(name)!;
    let scripts = 0;
    fc.assert(
      fc.property(fc.array(memoryMap, { minLength: 3, maxLength: 6 }), (maps) => {
        const engine = createEngine({ ramFrames: 512, tablePages: 4096 });
        const iommu = new Iommu({
          engine,
          capability,
          faults: new FaultInjector(),
          releaseFrames: () => {},
        });
        const domains = Array.from({ length: count }, () => iommu.createDomain()!);
        let old: Piece[] = [];
        for (const next of [...maps, []]) {
          const planned = iommu.plan(domains, changes(old, next), true);
          if (typeof planned === "number") throw new Error(`plan: ${planned}`);
          const script = planned.change.compose(capability.coherentWalk);
          // The plan is decided before it is committed, so the live tables are the tables before.
          const input: CheckInput = {
            capability,
            domains: domains.map(({ id, root, levels }) => ({ id, root, levels })),
            tables: {
              isTable: (table) => table >= 0x10_0000 && table < 0x10_0000 + 4096,
              entry: (table, index) => engine.loadEntry(table, index),
            },
            script,
            oldMap: mapRuns(old),
            newMap: mapRuns(next),
          };
          for (const mode of ["strong", "weak"] as const) {
            const { findings } = check(input, { mode });
            if (findings.length > 0)
              expect.fail(
                findings.map((f) => `${mode} ${f.class} ${f.cause} ${f.page}+${f.pages} ${f.met}`).join("\n"),
              );
          }
          scripts++;
          iommu.commit(planned, domains);
          old = next;
        }
      }),
      { numRuns: 8 },
    );
    expect(scripts).toBeGreaterThan(24);
  });
});
