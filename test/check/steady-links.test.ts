import { describe, expect, it } from "vitest";
import { type CheckInput, Decision } from "../../src/check/index.ts";
import { CAPABILITIES, EditScript, type Step } from "../../src/edit-script/index.ts";
import { iovaPfn, type Pfn, pfn } from "../../src/units/index.ts";
import { seededRandom } from "./seeded-random.ts";

const INDEX_LG2 = 2;
const SIZE = 2 ** INDEX_LG2;
const [ROOT, MIDDLE, LOWEST] = [0x10_0000, 0x10_0001, 0x10_0002];
/** Tables of another root, which lead to other frames. */
const [OTHER_ROOT, OTHER_MIDDLE, OTHER_LOWEST] = [0x10_0003, 0x10_0004, 0x10_0005];
const FRAME = 0x1000;
const entry = (frame: number): bigint => (BigInt(frame) << 12n) | 3n;

/** Pages of one lowest table that are stored and invalidated one by one, while what leads to it may be given back. */
function pageByPage(seed: number): CheckInput {
  const random = seededRandom(seed);
  const before = new Map<string, bigint>([
    [`${ROOT} 0`, entry(MIDDLE)],
    [`${MIDDLE} 0`, entry(LOWEST)],
    [`${OTHER_ROOT} 0`, entry(OTHER_MIDDLE)],
    [`${OTHER_MIDDLE} 0`, entry(OTHER_LOWEST)],
  ]);
  const isAbsent = Array.from({ length: SIZE }, () => random(4) === 0);
  for (let i = 0; i < SIZE; i++) {
    if (!isAbsent[i]) before.set(`${LOWEST} ${i}`, entry(FRAME + 2 * i));
    before.set(`${OTHER_LOWEST} ${i}`, entry(FRAME + 2 * i + random(2)));
  }
  const steps: Step[] = [];
  const moved = new Set<number>();
  for (let i = 0; i < SIZE; i++) {
    const table = LOWEST as Pfn;
    if (random(4) > 0) {
      steps.push({ op: "store", update: i + 1, table, index: i, entry: entry(FRAME + 2 * i + 1) });
      moved.add(i);
    }
    if (random(2) === 0)
      steps.push({
        op: "store",
        update: i + 1,
        table: OTHER_LOWEST as Pfn,
        index: i,
        entry: entry(FRAME + 2 * i + 1),
      });
    if (random(8) > 0) steps.push({ op: "barrier" });
    const scope = random(3) > 0 ? "nonLeaf" : "leaf";
    const page = { iovaPfn: iovaPfn(i), pages: 1 + random(2) };
    if (random(6) > 0) steps.push({ op: "invalidate", domain: 1, scope, caches: 7, ...page });
    if (random(5) > 0) steps.push({ op: "wait", drain: true });
    if (moved.has(i) && !isAbsent[i] && random(3) > 0)
      steps.push({ op: "unpin", pfn: pfn(FRAME + 2 * i), pages: 1 });
  }
  for (const table of [ROOT, MIDDLE, LOWEST])
    if (random(4) === 0) steps.splice(random(steps.length + 1), 0, { op: "freeTable", table: table as Pfn });
  // The way to them may go, and come again.
  if (random(3) === 0) {
    const link = { op: "store", update: SIZE + 2, table: MIDDLE as Pfn, index: 0 } as const;
    const gone = random(steps.length + 1);
    steps.splice(gone, 0, { ...link, entry: 0n }, { op: "barrier" });
    const back = gone + 2 + random(steps.length - gone - 1);
    steps.splice(
      back,
      0,
      { ...link, entry: entry(random(2) === 0 ? LOWEST : OTHER_LOWEST) },
      { op: "barrier" },
    );
  }
  if (random(4) === 0) {
    const to = { root: OTHER_ROOT as Pfn, levels: 3, tag: 1 + random(2) };
    steps.splice(random(steps.length + 1), 0, { op: "setRoot", update: SIZE + 1, domain: 1, ...to });
  }
  const base = CAPABILITIES.get(["vtd-ss-39", "vtd-ss-39-cm", "vtd-ss-39-nc"][random(3)]!)!;
  const mapOf = (isAfter: boolean) =>
    Array.from({ length: SIZE }, (_, i) => i).flatMap((i) => {
      if (isAbsent[i] && !(isAfter && moved.has(i))) return [];
      const frame = FRAME + 2 * i + (isAfter && moved.has(i) ? 1 : 0);
      return [{ iovaPfn: iovaPfn(i), pages: 1, pfn: pfn(frame), rights: 3 as const }];
    });
  return {
    capability: { ...base, inputBits: 12 + 3 * INDEX_LG2, indexLg2: INDEX_LG2 },
    domains: [{ id: 1, root: ROOT as Pfn, levels: 3 }],
    tables: {
      isTable: (table) => table >= ROOT && table <= OTHER_LOWEST,
      entry: (table, index) => before.get(`${table} ${index}`) ?? 0n,
    },
    script: EditScript.from(steps),
    oldMap: mapOf(false),
    newMap: mapOf(true),
  };
}

const options = (mode: "weak" | "strong", page: number | null) => ({
  mode,
  collapse: true,
  skipUntouched: true,
  journalRules: true,
  acceptPlain: true,
  skipHidden: false,
  only: page === null ? null : { domain: 1, start: page, end: page + 1 },
});

/** What a page shows, when all pages are looked at or none but it. */
function shown(input: CheckInput, mode: "weak" | "strong", page: number, isAlone: boolean): string[] {
  const found = new Decision(input).violations(options(mode, isAlone ? page : null));
  const here = [...found].filter(({ start, end }) => start <= page && page < end);
  return [...new Set(here.map(({ class: kind, met }) => `${kind} ${met}`))].sort();
}

describe("pages below the same links", () => {
  it("show the same together as alone, also where a table on the way is given back or the root is another", () => {
    const seen = { right: 0, wrong: 0, freed: 0, switched: 0 };
    for (let seed = 1; seed <= 1500; seed++) {
      const input = pageByPage(seed);
      const mode = seed % 2 === 0 ? "weak" : "strong";
      for (let page = 0; page < SIZE; page++) {
        const together = shown(input, mode, page, false);
        expect(together, `seed ${seed}, page ${page}`).toEqual(shown(input, mode, page, true));
        if (together.length === 0) seen.right++;
        else seen.wrong++;
        if ([...input.script].some(({ op }) => op === "setRoot")) seen.switched++;
        if (together.some((text) => text.startsWith("V07"))) seen.freed++;
      }
    }
    for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(300);
  });
});
