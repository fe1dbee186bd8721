import { expect } from "vitest";
import { type CheckInput, Decision } from "../../src/check/index.ts";
import type { RawViolation } from "../../src/check/rules/violations.ts";
import type { MapRun } from "../../src/edit-script/index.ts";
import { type BruteOutcomes, bruteForce, type TinyMachine } from "./brute-force.ts";
import type { Case } from "./random-script.ts";

const NEVER = 0x7fff_ffff;

/** What the checker says about one page, in the words of the enumerator. */
function decided(
  input: CheckInput,
  domain: number,
  page: number,
  mode: "strong" | "weak",
  collapse: boolean,
) {
  const decision = new Decision(input);
  const met = new Set<string>();
  const metAfterReturn = new Set<string>();
  const freedTables = new Set<number>();
  const frames = new Map<number, number>();
  const add = (name: string, alive: readonly number[]): void => {
    met.add(name);
    if (alive[alive.length - 1] === NEVER) metAfterReturn.add(name);
  };
  const nothing = (): void => {};
  const how = {
    mode,
    collapse,
    skipUntouched: false,
    journalRules: false,
    only: { domain, start: page, end: page + 1 },
  };
  decision.walk(
    domain,
    how,
    {
      leaf(fact) {
        add(`leaf ${fact.level} ${fact.frame} ${fact.rights}`, fact.alive);
        const last = Math.min(fact.drained - 1, input.script.steps);
        frames.set(fact.frame, Math.max(frames.get(fact.frame) ?? 0, last));
      },
      fault: (fact) => add("fault", fact.alive),
      pointer(fact) {
        if (fact.alive[fact.alive.length - 1]! > fact.freedAt) freedTables.add(fact.child);
      },
      subtree: () => expect.fail("a subtree was skipped"),
      badEntry: nothing,
      open: nothing,
      close: () => true,
    },
    nothing,
  );
  return { met, metAfterReturn, freedTables, frames };
}

/** The verdict on a page, straight from the definition of an allowed access. */
function isWrong(
  input: CheckInput,
  page: number,
  brute: BruteOutcomes,
  unpinnedAt: (frame: number) => number,
): boolean {
  const at = (map: readonly MapRun[]) => map.find((run) => run.iovaPfn === page);
  const under = (map: readonly MapRun[], access: number): string => {
    const run = at(map);
    return run !== undefined && run.rights & access ? String(run.pfn) : "fault";
  };
  const result = (name: string, access: number): string => {
    if (name === "fault") return "fault";
    const [, , frame, rights] = name.split(" ");
    return Number(rights) & access ? frame! : "fault";
  };
  for (const access of [1, 2]) {
    const [before, after] = [under(input.oldMap, access), under(input.newMap, access)];
    for (const name of brute.met) if (![before, after].includes(result(name, access))) return true;
    for (const name of brute.metAfterReturn) if (result(name, access) !== after) return true;
  }
  if (brute.freedTables.size > 0) return true;
  for (const [frame, last] of brute.frames) if (last >= unpinnedAt(frame)) return true;
  return false;
}

/** A frame's last pin goes at this step, or never: one pin for each page of the old map and each that newly gets it. */
function unpinnedAt({ input, steps }: Case, frame: number): number {
  const has = (map: readonly MapRun[], page: number) => map.find((run) => run.iovaPfn === page);
  let pins = input.oldMap.filter((run) => run.pfn === frame).length;
  for (const run of input.newMap) {
    const before = has(input.oldMap, run.iovaPfn);
    if (run.pfn === frame && !(before?.pfn === frame && before.rights === run.rights)) pins++;
  }
  const drops = steps.flatMap((s, i) =>
    s.op === "unpin" && s.pfn <= frame && frame < s.pfn + s.pages ? [i + 1] : [],
  );
  return drops[Math.max(1, pins) - 1] ?? NEVER;
}

const sorted = (frames: ReadonlyMap<number, number>) => [...frames].sort((a, b) => a[0] - b[0]);
/** The machine as devices of one domain see it. */
export const machineOf = (
  { input, steps, before }: Case,
  mode: "strong" | "weak",
  { id, root } = input.domains[0]!,
): TinyMachine => ({
  levels: 2,
  indexLg2: input.capability.indexLg2!,
  root,
  tag: id,
  iommus: new Map(input.domains.map((d) => [d.id, d.iommu ?? 0])),
  steps,
  mode,
  isCoherent: input.capability.coherentWalk,
  cachesNotPresent: input.capability.cachesNotPresent,
  before: (table, index) => before.get(`${table} ${index}`) ?? 0n,
});
export const violationsOf = (
  input: CheckInput,
  mode: "strong" | "weak",
  collapse: boolean,
  skipUntouched: boolean,
) => [...new Decision(input).violations({ mode, collapse, skipUntouched, journalRules: false, only: null })];

/** Fails where the checker and the enumerator differ about one page of one domain; `raw` is what is violated anywhere. */
export function compare(
  random: Case,
  domain: number,
  page: number,
  mode: "strong" | "weak",
  collapse: boolean,
  raw: readonly RawViolation[],
  label: string,
): { outcomes: number; isWrong: boolean; isTearing: boolean } {
  const { input } = random;
  const own = input.domains.find((d) => d.id === domain)!;
  const brute = bruteForce(machineOf(random, mode, own), page, 1);
  const mine = decided(input, domain, page, mode, collapse);
  expect([...mine.met].sort(), label).toEqual([...brute.met].sort());
  expect([...mine.metAfterReturn].sort(), label).toEqual([...brute.metAfterReturn].sort());
  expect([...mine.freedTables].sort(), label).toEqual([...brute.freedTables].sort());
  expect(sorted(mine.frames), label).toEqual(sorted(brute.frames));

  const here = raw.filter((v) => v.domain === domain && v.start <= page && page < v.end).map((v) => v.class);
  const isWrongHere = isWrong(input, page, brute, (frame) => unpinnedAt(random, frame));
  const decisive = here.some((kind) => !["V04b", "V08", "V09"].includes(kind));
  expect(decisive, `${label}: ${here.join()}`).toBe(isWrongHere);
  if (here.includes("V04b")) expect(brute.isStale, label).toBe(true);
  if (brute.isStale) expect(here, label).not.toEqual([]);
  expect(here.includes("V08"), label).toBe(brute.isTearing);
  return { outcomes: brute.met.size, isWrong: isWrongHere, isTearing: brute.isTearing };
}
