import { describe, expect, it } from "vitest";
import { check } from "../../src/check/index.ts";
import type { Step } from "../../src/edit-script/index.ts";
import { iovaPfn, type Pfn } from "../../src/units/index.ts";
import { seededRandom } from "./seeded-random.ts";
import { type Case, caseOf, FRAMES, PAGES, ROOTS, relapseOf, SIZE } from "./switch-case.ts";

const TABLES = [0x10_0010, 0x10_0011, 0x10_0012];

/** A random script that edits two levels of tables in place under epoch mode: stores, runs and links; some also switch roots. */
function randomEdit(seed: number): Case {
  const random = seededRandom(seed);
  const pick = <T>(list: readonly T[]): T => list[random(list.length)]!;
  const small = (): bigint => (BigInt(pick(FRAMES) + random(SIZE)) << 12n) | BigInt(pick([1, 3, 3]));
  const link = (): bigint => (BigInt(pick(TABLES)) << 12n) | 3n;
  const before = new Map<string, bigint>();
  for (const table of TABLES)
    for (let i = 0; i < SIZE; i++) if (random(2) === 0) before.set(`${table} ${i}`, small());
  for (const root of ROOTS)
    for (let i = 0; i < SIZE; i++) before.set(`${root} ${i}`, pick([0n, link(), link()]));
  const isCoherent = random(4) > 0;
  const table = (): Pfn => pick([...TABLES, ROOTS[0]!]) as Pfn;
  const everything = { iovaPfn: iovaPfn(0), pages: PAGES };
  const domain = 1;
  const store = (): Step => {
    const at = table();
    const entry = pick([0n, at === ROOTS[0] ? link() : small()]);
    return { op: "store", update: 1 + random(900), table: at, index: random(SIZE), entry };
  };
  const run = (): Step => {
    const [first, stride] = pick([[0n, 0n] as const, [small(), 0x1000n] as const]);
    return {
      op: "storeRun",
      update: 1 + random(900),
      table: pick(TABLES) as Pfn,
      index: 0,
      count: SIZE,
      first,
      stride,
    };
  };
  const step = (): Step =>
    pick<() => Step>([
      ...[store, store, store, store, run, run],
      () => ({ op: "barrier" }),
      () => (isCoherent ? { op: "barrier" } : { op: "clean", table: table(), index: 0, count: SIZE }),
      () => ({ op: "invalidate", domain, scope: pick(["leaf", "nonLeaf"]), caches: 7, ...everything }),
      () => ({ op: "wait", drain: true }),
      () => ({ op: "setRoot", update: 1000, domain, root: ROOTS[1] as Pfn, levels: 2, tag: pick([1, 9]) }),
    ])();
  const steps: Step[] = Array.from({ length: 1 + random(5) }, step);
  return caseOf({
    ...{ before, steps, tables: TABLES, isCoherent },
    mode: seed % 2 === 0 ? "weak" : "strong",
    cachesContext: random(4) > 0,
    hasAtc: random(4) === 0,
  });
}

const CASES = 400;
const SHOWN = 400;

describe("edits in place under epoch mode", () => {
  it(`show V11 exactly where an enumerator of all schedules finds it, in ${CASES} random scripts`, () => {
    let relapses = 0;
    let faithful = 0;
    for (let seed = 1; seed <= CASES; seed++) {
      const { expected, found, isChanged } = relapseOf(randomEdit(seed), seed % 3 === 0);
      expect(found, `seed ${seed}`).toBe(expected);
      if (expected) relapses++;
      else if (isChanged) faithful++;
    }
    expect(relapses).toBeGreaterThan(CASES / 5);
    expect(faithful).toBeGreaterThan(CASES / 50);
  });

  it("are shown as two accesses of one device, the later of which meets the old map", () => {
    let shown = 0;
    for (let seed = 5001; seed <= 5000 + SHOWN; seed++) {
      const { input, machine } = randomEdit(seed);
      for (const { shows, events } of check(input, { mode: machine.mode }).findings) {
        if (shows !== "V11") continue;
        const met = events.map(({ text }) => / as the (new|old) map says$/.exec(text)?.[1] ?? "");
        expect(
          met.filter((map) => map !== ""),
          `seed ${seed}`,
        ).toEqual(["new", "old"]);
        expect(met.at(-1), `seed ${seed}`).toBe("old");
        shown++;
      }
    }
    expect(shown).toBeGreaterThan(SHOWN / 20);
  });
});
