import { describe, expect, it } from "vitest";
import { type CheckInput, Decision } from "../../src/check/index.ts";
import { EditScript, type MapRun } from "../../src/edit-script/index.ts";
import { type BruteOutcomes, bruteForce, type TinyMachine } from "./brute-force.ts";
import { type Case, ROOT, randomCase } from "./random-script.ts";

const NEVER = 0x7fff_ffff;

/** What the checker says about one page, in the words of the enumerator. */
function decided(input: CheckInput, page: number, mode: "strong" | "weak", collapse: boolean) {
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
    only: { domain: 1, start: page, end: page + 1 },
  };
  decision.walk(
    1,
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

const CASES = 1500;
const PAIR_CASES = 200;

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
const machineOf = ({ input, steps, before }: Case, mode: "strong" | "weak"): TinyMachine => ({
  levels: 2,
  indexLg2: input.capability.indexLg2!,
  root: ROOT,
  steps,
  mode,
  isCoherent: input.capability.coherentWalk,
  cachesNotPresent: input.capability.cachesNotPresent,
  before: (table, index) => before.get(`${table} ${index}`) ?? 0n,
});
const violationsOf = (
  input: CheckInput,
  mode: "strong" | "weak",
  collapse: boolean,
  skipUntouched: boolean,
) => new Decision(input).violations({ mode, collapse, skipUntouched, journalRules: false, only: null });

describe("checker against an enumerator of all schedules", () => {
  it(`agrees on outcomes and verdicts of ${CASES} random scripts`, () => {
    let wrong = 0;
    let right = 0;
    let outcomes = 0;
    for (let seed = 1; seed <= CASES; seed++) {
      const random = randomCase(seed);
      const mode = seed % 2 === 0 ? "strong" : "weak";
      const collapse = seed % 3 !== 0;
      const input = { ...random.input, script: EditScript.from(random.steps) };
      const raw = violationsOf(input, mode, collapse, seed % 5 < 3);
      for (let page = 0; page < random.pages; page++) {
        const brute = bruteForce(machineOf(random, mode), page, 1);
        const mine = decided(input, page, mode, collapse);
        const label = `seed ${seed}, page ${page}, ${mode}`;
        expect([...mine.met].sort(), label).toEqual([...brute.met].sort());
        expect([...mine.metAfterReturn].sort(), label).toEqual([...brute.metAfterReturn].sort());
        expect([...mine.freedTables].sort(), label).toEqual([...brute.freedTables].sort());
        expect(sorted(mine.frames), label).toEqual(sorted(brute.frames));
        outcomes += brute.met.size;

        const here = raw.filter((v) => v.start <= page && page < v.end).map((v) => v.class);
        const isWrongHere = isWrong(input, page, brute, (frame) => unpinnedAt(random, frame));
        const decisive = here.some((kind) => !["V04b", "V08", "V09"].includes(kind));
        expect(decisive, `${label}: ${here.join()}`).toBe(isWrongHere);
        if (here.includes("V04b")) expect(brute.isStale, label).toBe(true);
        if (brute.isStale) expect(here, label).not.toEqual([]);
        if (isWrongHere) wrong++;
        else right++;
      }
    }
    expect(wrong).toBeGreaterThan(CASES);
    expect(right).toBeGreaterThan(CASES);
    expect(outcomes).toBeGreaterThan(5 * CASES);
  });

  it(`finds V09 exactly where two leaves of different size can be held at once, in ${PAIR_CASES} scripts`, () => {
    let overlaps = 0;
    for (let seed = 1; seed <= PAIR_CASES; seed++) {
      const random = randomCase(100_000 + seed);
      const mode = seed % 2 === 0 ? "strong" : "weak";
      const input = { ...random.input, script: EditScript.from(random.steps) };
      const raw = violationsOf(input, mode, seed % 3 !== 0, seed % 5 < 3);
      for (let page = 0; page < random.pages; page++) {
        const { together } = bruteForce(machineOf(random, mode), page, 2);
        const overlap = [...together].some((pair) => {
          const [a, b] = pair.split(" | ").map((leaf) => leaf.split(" "));
          return a![0] !== b![0] && (a![1] !== b![1] || a![2] !== b![2]);
        });
        const found = raw.some((v) => v.class === "V09" && v.start <= page && page < v.end);
        expect(found, `seed ${100_000 + seed}, page ${page}, ${mode}`).toBe(overlap);
        if (overlap) overlaps++;
      }
    }
    expect(overlaps).toBeGreaterThan(PAIR_CASES / 10);
  });

  it("says the same with page classes and skipped subtrees and without", () => {
    for (let seed = 1; seed <= CASES; seed++) {
      const { input } = randomCase(200_000 + seed);
      const pagesOf = (collapse: boolean, skip: boolean): string[] =>
        violationsOf(input, "weak", collapse, skip)
          .flatMap((v) => Array.from({ length: v.end - v.start }, (_, i) => `${v.class} ${v.start + i}`))
          .sort();
      const plain = [...new Set(pagesOf(false, false))];
      expect([...new Set(pagesOf(true, false))], `seed ${200_000 + seed}`).toEqual(plain);
      expect([...new Set(pagesOf(true, true))], `seed ${200_000 + seed}`).toEqual(plain);
    }
  });
});
