import { describe, expect, it } from "vitest";
import { type CheckInput, Decision } from "../../src/check/index.ts";
import { CAPABILITIES, EditScript, type MapRun, type Step } from "../../src/edit-script/index.ts";
import { iovaPfn, type Pfn, pfn } from "../../src/units/index.ts";
import { seededRandom } from "./seeded-random.ts";

const ROOT = 0x10_0000 as Pfn;
const MIDDLE = (ROOT + 1) as Pfn;
const LEAVES = (ROOT + 2) as Pfn;
const ASIDE = (ROOT + 3) as Pfn;
const PAGES = 512;
const D = 0x200n;

/** A frame that no neighbour's continues. */
const frameOf = (page: number): number => 0x10_000 + ((page * 37) % PAGES) * 2;

/** All pages, at times in no order. */
function pagesInOrder(random: (below: number) => number): number[] {
  const pages = Array.from({ length: PAGES }, (_, page) => page);
  if (random(2) === 0) return pages;
  for (let i = PAGES - 1; i > 0; i--) {
    const j = random(i + 1);
    [pages[i], pages[j]] = [pages[j]!, pages[i]!];
  }
  return pages;
}

/**
 * One whole table of scattered leaves that keep their frames: collected from, exchanged, stored over, or replaced, in rows or page by
 * page.
 */
function scatteredDirtyCase(seed: number): CheckInput {
  const random = seededRandom(seed);
  const pick = <T>(list: readonly T[]): T => list[random(list.length)]!;
  const link = (table: Pfn): bigint => (BigInt(table) << 12n) | 3n;
  const leaf = (page: number, low: bigint): bigint => (BigInt(frameOf(page)) << 12n) | low;
  const held = Array.from({ length: PAGES }, (_, page) => leaf(page, pick([3n, 3n, 3n, 1n, 3n | D])));
  const contents = new Map<number, readonly bigint[]>([
    [ROOT, [link(MIDDLE)]],
    [MIDDLE, [link(LEAVES)]],
    [LEAVES, held],
    [ASIDE, []],
  ]);
  const steps: Step[] = [];
  const now = [...held];
  const invalidate = (scope: "leaf" | "nonLeaf", start: number, pages: number): void => {
    steps.push({ op: "invalidate", domain: 1, scope, caches: 7, iovaPfn: iovaPfn(start), pages });
  };
  const put = (index: number, entry: bigint, how: "store" | "exchange"): void => {
    const update = steps.length + 1;
    if (how === "store") steps.push({ op: "store", update, table: LEAVES, index, entry });
    else steps.push({ op: "exchange", update, table: LEAVES, index, entry, expected: now[index]! });
    now[index] = entry;
  };
  if (random(4) === 0) {
    const low = pick([3n | D, 3n | D, 1n | D, 3n]);
    const entries = Array.from({ length: PAGES }, (_, page) =>
      leaf(page, random(60) === 0 ? pick([3n, 1n, 3n | D]) : low),
    );
    steps.push({ op: "gather", update: 1, table: ASIDE, index: 0, entries });
    steps.push({ op: "store", update: 2, table: MIDDLE, index: 0, entry: link(ASIDE) });
  } else if (random(2) === 0) {
    const ways = Array.from({ length: 3 }, () => pick(["store", "exchange", "collect", "settle"] as const));
    const lows = pick([[1n], [1n, 3n], [1n, 3n, 3n | D, 0n]]);
    for (const page of pagesInOrder(random))
      for (const way of [...ways, "settle"] as const) {
        if (random(50) === 0) continue;
        if (way === "collect") steps.push({ op: "collect", table: LEAVES, index: page, count: 1 });
        else if (way !== "settle") {
          const low = pick(lows);
          put(page, low === 0n ? 0n : leaf(page, low), way);
        } else {
          if (random(9) > 0) steps.push({ op: "barrier" });
          if (random(50) > 0) invalidate(random(90) === 0 ? "nonLeaf" : "leaf", page, 1);
          if (random(9) > 0) steps.push({ op: "wait", drain: random(9) > 0 });
        }
      }
  } else
    for (let part = 1 + random(4); part > 0; part--) {
      const index = random(PAGES);
      const count = 1 + random(PAGES - index);
      if (random(2) === 0) steps.push({ op: "collect", table: LEAVES, index, count });
      else {
        const every = 1 + random(3);
        const how = random(12) === 0 ? "store" : "exchange";
        const low = pick([1n, 3n, 3n | D]);
        for (let i = index; i < index + count; i += every) put(i, leaf(i, low), how);
      }
    }
  steps.push({ op: "barrier" });
  if (random(8) > 0) {
    const [start, end] = pick([
      [0, PAGES],
      [0, PAGES],
      [0, PAGES >> 1],
    ] as const);
    invalidate("nonLeaf", start, end - start);
  }
  if (random(8) > 0) steps.push({ op: "wait", drain: random(8) > 0 });
  const words = new Map(
    [...contents].map(([table, entries]) => [
      table,
      Uint32Array.from(
        Array.from({ length: PAGES }, (_, i) => entries[i] ?? 0n).flatMap((entry) => [
          Number(entry & 0xffff_ffffn),
          Number(entry >> 32n),
        ]),
      ),
    ]),
  );
  const map: MapRun[] = held.map((_, page) => ({
    iovaPfn: iovaPfn(page),
    pages: 1,
    pfn: pfn(frameOf(page)),
    rights: 3,
  }));
  return {
    capability: CAPABILITIES.get("vtd-ss-39-ad")!,
    domains: [{ id: 1, root: ROOT, levels: 3 }],
    tables: {
      isTable: (table) => contents.has(table),
      entry: (table, index) => contents.get(table)?.[index] ?? 0n,
      words: (table) => words.get(table) ?? null,
    },
    script: EditScript.from(steps),
    oldMap: map,
    newMap: map,
  };
}

const CASES = 120;

describe("dirty bits of scattered leaves", () => {
  it(`loses the same at sight as by every entry's history, on ${CASES} random tables`, () => {
    let clean = 0;
    for (let seed = 1; seed <= CASES; seed++) {
      const input = scatteredDirtyCase(seed);
      const lost = (acceptPlain: boolean): string[] => {
        const mode = seed % 2 === 0 ? "strong" : "weak";
        const how = { mode, skipUntouched: true, journalRules: false, only: null } as const;
        return [...new Decision(input).violations({ ...how, acceptPlain, collapse: acceptPlain })]
          .filter((v) => v.class === "V10")
          .flatMap((v) =>
            Array.from({ length: v.end - v.start }, (_, i) => `${v.start + i} ${v.met} ${v.from}`),
          );
      };
      const atSight = lost(true);
      expect(atSight, `seed ${seed}`).toEqual(lost(false));
      if (atSight.length === 0) clean++;
    }
    expect(clean).toBeGreaterThan(CASES / 8);
    expect(clean).toBeLessThan((CASES * 7) / 8);
  });
});
