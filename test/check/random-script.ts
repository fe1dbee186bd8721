import type { CheckInput } from "../../src/check/index.ts";
import { CAPABILITIES, EditScript, type MapRun, type Step } from "../../src/edit-script/index.ts";
import { iovaPfn, type Pfn, pfn } from "../../src/units/index.ts";
import { seededRandom } from "./seeded-random.ts";

export const ROOT = 0x10_0000;
const TABLES = [ROOT + 1, ROOT + 2, ROOT + 3];
const FRAMES = [0x100, 0x200, 0x304];

const entry = (frame: number, rights: number, isLarge = false): bigint =>
  (BigInt(frame) << 12n) | BigInt(rights) | (isLarge ? 0x80n : 0n);

/** A script with what it runs against. */
export interface Case {
  readonly input: CheckInput;
  readonly steps: readonly Step[];
  readonly before: ReadonlyMap<string, bigint>;
  readonly pages: number;
}

/** A random script on two levels of tables, right or wrong; maps follow the tables before and, mostly, after. */
export function randomCase(seed: number): Case {
  const random = seededRandom(seed);
  const pick = <T>(list: readonly T[]): T => list[random(list.length)]!;
  const indexLg2 = 1 + random(2);
  const size = 2 ** indexLg2;
  const pages = size * size;
  const large = (): bigint => entry(pick(FRAMES), pick([1, 3, 3]), true);
  const small = (): bigint => entry(pick(FRAMES) + random(size), pick([1, 2, 3, 3]));
  const link = (): bigint => entry(pick(TABLES), pick([3, 3, 3, 1]));
  const before = new Map<string, bigint>();
  for (const table of TABLES)
    for (let i = 0; i < size; i++) if (random(4) > 0) before.set(`${table} ${i}`, small());
  for (let i = 0; i < size; i++)
    before.set(`${ROOT} ${i}`, pick([0n, large(), i < TABLES.length ? entry(TABLES[i]!, 3) : 0n]));
  const steps: Step[] = [];
  const freed = new Set<number>();
  const count = 2 + random(7);
  let writes = 0;
  while (steps.length < count) {
    const kind = random(16);
    const update = steps.length + 1;
    const table = pick(TABLES) as Pfn;
    if (kind < 5 && writes < 5) {
      const value = pick([0n, large(), large(), link(), link()]);
      if (value !== 0n && (value & 0x80n) === 0n && freed.has(Number(value >> 12n))) continue;
      steps.push({ op: "store", update, table: ROOT as Pfn, index: random(size), entry: value });
      writes++;
    } else if (kind < 8 && writes < 5) {
      if (freed.has(table)) continue;
      steps.push({ op: "store", update, table, index: random(size), entry: pick([0n, small(), small()]) });
      writes++;
    } else if (kind === 8 && writes < 5) {
      if (freed.has(table)) continue;
      const first = entry(pick(FRAMES), 3);
      steps.push({ op: "fill", update, table, index: 0, count: size, first, stride: 0x1000n });
      writes++;
    } else if (kind === 9) steps.push({ op: "barrier" });
    else if (kind < 13)
      steps.push({
        op: "invalidate",
        domain: pick([1, 1, 1, 1, 2]),
        scope: pick(["leaf", "nonLeaf", "nonLeaf"]),
        caches: pick([7, 7, 7, 3, 4, 1, 6]),
        ...pick([
          { iovaPfn: iovaPfn(0), pages },
          { iovaPfn: iovaPfn(0), pages: size },
          { iovaPfn: iovaPfn(random(pages)), pages: 1 },
        ]),
      });
    else if (kind === 13) steps.push({ op: "wait", drain: random(3) > 0 });
    else if (kind === 14) {
      if (freed.has(table)) continue;
      freed.add(table);
      steps.push({ op: "freeTable", table });
    } else steps.push({ op: "unpin", pfn: pfn(pick(FRAMES)), pages: 1 + random(size) });
  }
  const mode = random(3);
  const base = CAPABILITIES.get(["vtd-ss-48", "vtd-ss-48-cm", "vtd-ss-48-nc"][mode]!)!;
  const capability = { ...base, levels: 2, inputBits: 12 + 2 * indexLg2, leafLevels: [0, 1], indexLg2 };
  const tables = {
    isTable: (table: number) => table === ROOT || TABLES.includes(table),
    entry: (table: number, index: number) => before.get(`${table} ${index}`) ?? 0n,
  };
  const after = new Map(before);
  writeAll(after, steps);
  const newMap = mapOf(after, size);
  const input: CheckInput = {
    capability,
    domains: [{ id: 1, root: ROOT as Pfn, levels: 2 }],
    tables,
    script: EditScript.from(steps),
    oldMap: mapOf(before, size),
    newMap: random(4) === 0 ? newMap.filter(() => random(3) > 0) : newMap,
  };
  return { input, steps: steps.filter((s) => !("domain" in s) || s.domain === 1), before, pages };
}

/**
 * A random script on tables that two domains share, mostly behind an IOMMU each: waits are for one of them, or for both. In
 * two of three what has to be dropped is invalidated in both before it is given back, and at times waited for in one only.
 */
export function behindTwoIommus(seed: number): Case {
  const random = seededRandom(seed);
  const pick = <T>(list: readonly T[]): T => list[random(list.length)]!;
  const one = randomCase(seed);
  const wait = (iommu: number): Step => {
    const drain = random(4) > 0;
    return iommu < 2 ? { op: "wait", drain, iommu } : { op: "wait", drain };
  };
  const everything = { scope: "nonLeaf", caches: 7, iovaPfn: iovaPfn(0), pages: one.pages } as const;
  let steps: Step[];
  if (random(3) === 0)
    steps = one.steps.map((step) => {
      if (step.op === "invalidate") return { ...step, domain: pick([1, 2]) };
      return step.op === "wait" ? wait(random(4)) : step;
    });
  else {
    const [first, second] = pick([
      [1, 2],
      [2, 1],
    ]);
    const ending: Step[] = [first!, second!].map((domain) => ({ op: "invalidate", domain, ...everything }));
    const waits = pick([[0], [1], [0, 1], [1, 0], [0, 1], [2], [2, 0], []]);
    for (const iommu of waits) ending.push(wait(iommu));
    if (random(3) === 0) ending.reverse();
    const isRelease = ({ op }: Step): boolean => op === "freeTable" || op === "unpin";
    steps = one.steps.filter((step) => "update" in step).slice(0, 2);
    steps.push({ op: "barrier" }, ...ending, ...one.steps.filter(isRelease));
    if (random(3) === 0) steps.push(wait(random(3)));
  }
  const second = random(8) === 0 ? {} : { iommu: 1 };
  const [domain] = one.input.domains;
  const domains = [domain!, { ...domain!, id: 2, ...second }];
  const after = new Map(one.before);
  writeAll(after, steps);
  const newMap = mapOf(after, Math.sqrt(one.pages));
  return { ...one, steps, input: { ...one.input, domains, newMap, script: EditScript.from(steps) } };
}

function writeAll(content: Map<string, bigint>, steps: readonly Step[]): void {
  for (const s of steps) {
    if (s.op === "store") content.set(`${s.table} ${s.index}`, s.entry);
    if (s.op === "fill")
      for (let i = 0; i < s.count; i++)
        content.set(`${s.table} ${s.index + i}`, s.first + BigInt(i) * s.stride);
  }
}

/** What tables translate, page by page. */
export function mapOf(content: ReadonlyMap<string, bigint>, size: number): MapRun[] {
  const runs: MapRun[] = [];
  for (let page = 0; page < size * size; page++) {
    const top = content.get(`${ROOT} ${Math.floor(page / size)}`) ?? 0n;
    if ((top & 3n) === 0n) continue;
    const isLarge = (top & 0x80n) !== 0n;
    const leaf = isLarge ? top : (content.get(`${top >> 12n} ${page % size}`) ?? 0n);
    const rights = Number(top & leaf & 3n);
    if (rights === 0) continue;
    const frame = Number((leaf >> 12n) & 0xff_ffffn) + (isLarge ? page % size : 0);
    runs.push({ iovaPfn: iovaPfn(page), pages: 1, pfn: pfn(frame), rights });
  }
  return runs;
}
