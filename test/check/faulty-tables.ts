import { Driver } from "./random-tables.ts";
import { seededRandom } from "./seeded-random.ts";
import {
  ATC,
  EVERY_CACHE,
  entryOf,
  flagsOf,
  IOTLB,
  pfnOf,
  rightsOf,
  type TablesCall,
  type TablesScript,
  type TablesStep,
  WALK,
} from "./tables-script.ts";

/** Correct scripts, and scripts with a step or three left out, swapped, moved, doubled or written wrongly. */

type Draw = (bound: number) => number;

const CACHES = [IOTLB, WALK, IOTLB + WALK, ATC, WALK + ATC, EVERY_CACHE];
/** Where a driver errs, and where it matters, more often than by chance. */
const FRAGILE = ["freeTable", "wait", "invalidate", "context", "barrier", "clean"];

function altered(
  step: TablesStep,
  tables: readonly number[],
  tags: readonly number[],
  draw: Draw,
): TablesStep {
  switch (step.op) {
    case "invalidate": {
      const how = draw(5);
      if (how === 0) return { ...step, scope: "leaf" };
      if (how === 1) return { ...step, caches: CACHES[draw(CACHES.length)]! };
      if (how === 2 && step.tag !== null) return { ...step, tag: tags[draw(tags.length)]! };
      if (step.tag === null) return { ...step, scope: "leaf" };
      if (how === 3) return { ...step, pages: step.pages === null ? 512 : Math.max(1, step.pages / 512) };
      return step.pages === null ? { ...step, pages: 512 ** 2 } : { ...step, start: step.start + step.pages };
    }
    case "context":
      return { ...step, tag: tags[draw(tags.length)]! };
    case "wait":
      return { ...step, drain: !step.drain };
    case "freeTable":
      return { ...step, table: tables[draw(tables.length)]! };
    case "unpin":
      return { ...step, frame: step.frame + draw(3) - 1 };
    case "clean":
      return step.count > 1 ? { ...step, count: 4 } : { ...step, index: (step.index + 1) % 512 };
    case "store":
    case "fill": {
      const how = draw(6);
      if (how < 2) return { ...step, op: step.op === "store" ? "fill" : "store" };
      const { first } = step;
      if (rightsOf(first) === 0) return { ...step, first: 0, index: (step.index + 1) % 500 };
      if (how === 2) return { ...step, first: entryOf(pfnOf(first), flagsOf(first) - rightsOf(first) + 1) };
      if (how === 3 || pfnOf(first) >= 0x1000000) return { ...step, first: 0, stride: 0 };
      return { ...step, first: entryOf(tables[draw(tables.length)]!, flagsOf(first)) };
    }
    default:
      return step;
  }
}

function spoilt(calls: TablesCall[], script: TablesScript, draw: Draw): void {
  const at = draw(calls.length);
  const steps = [...calls[at]!.steps];
  if (steps.length === 0) return;
  const tables = [
    ...new Set([
      ...script.given.map((g) => g.table),
      ...steps.flatMap((s) => ("table" in s ? [s.table] : [])),
    ]),
  ];
  const tags = [
    ...script.domains.map((d) => d.id),
    ...script.calls.flatMap((c) => c.steps.flatMap((s) => (s.op === "setRoot" ? [s.newTag] : []))),
  ];
  let i = draw(steps.length);
  for (let tries = 0; tries < 2 && !FRAGILE.includes(steps[i]!.op); tries++) i = draw(steps.length);
  const step = steps[i]!;
  const how = draw(10);
  const isRoot = step.op === "setRoot";
  if (how < 4 && !isRoot) steps.splice(i, 1);
  else if (how < 5 && i + 1 < steps.length) steps.splice(i, 2, steps[i + 1]!, step);
  else if (how < 6 && !isRoot) steps.splice(draw(steps.length), 0, ...steps.splice(i, 1));
  else if (how < 7 && !isRoot) steps.splice(draw(steps.length + 1), 0, step);
  else if (how < 8 && calls[at]!.keep.length > 0) calls[at] = { ...calls[at]!, keep: [] };
  else steps.splice(i, 1, altered(step, tables, tags, draw));
  calls[at] = { ...calls[at]!, steps };
}

/** A script as a careful driver would have written it. */
export function correctTables(seed: number): TablesScript {
  const draw = seededRandom(seed);
  const isTall = draw(5) === 0;
  const profile = `vtd-ss-${isTall ? 48 : 39}${draw(5) === 0 ? "-cm" : ""}${draw(5) === 0 ? "-nc" : ""}`;
  const domains = draw(5) === 0 ? 2 : 1;
  const iommus = 1 + draw(2);
  const levels = isTall ? 3 + draw(2) : 3;
  const driver = new Driver(draw, levels, domains, iommus, profile);
  const start = {
    profile,
    hasAtc: draw(2) === 0,
    domains: driver.domains.map(({ id, root, levels, iommu }) => ({ id, root, levels, iommu })),
    given: driver.given(),
    oldMap: driver.map(),
  };
  const count = 1 + draw(3);
  const calls = Array.from({ length: count }, () => driver.call());
  return { ...start, calls };
}

/** About every third script is as it should be. */
export function randomTables(seed: number): TablesScript {
  const script = correctTables(seed);
  const draw = seededRandom(seed + 0x5eed);
  const calls = [...script.calls];
  for (let faults = [0, 0, 1, 1, 2, 3][draw(6)]!; faults > 0; faults--) spoilt(calls, script, draw);
  return { ...script, calls };
}
