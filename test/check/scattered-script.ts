import type { CheckInput } from "../../src/check/index.ts";
import { CAPABILITIES, EditScript, type Step } from "../../src/edit-script/index.ts";
import { iovaPfn, type Pfn, pfn } from "../../src/units/index.ts";
import { mapOf, ROOT } from "./random-script.ts";
import { seededRandom } from "./seeded-random.ts";

const INDEX_LG2 = 4;
const SIZE = 2 ** INDEX_LG2;
const PAGES = SIZE * SIZE;
const OLD_TABLES = [ROOT + 1, ROOT + 2, ROOT + 3];
const NEW_TABLES = [ROOT + 4, ROOT + 5];
const LARGE = 0x80n;
const SNOOP = 0x800n;
const DIRTY = 0x200n;

/** Two levels of tables with scattered frames that a script edits page by page or rebuilds, with a step lost or misplaced. */
export function scatteredCase(seed: number): CheckInput {
  const random = seededRandom(seed);
  const pick = <T>(list: readonly T[]): T => list[random(list.length)]!;
  let nextFrame = 0x1000;
  const frame = (): number => {
    nextFrame += pick([1, 1, 2, 5]);
    return random(40) === 0 ? 0x1000 : nextFrame;
  };
  const isOdd = random(4) === 0;
  const bits = (): bigint => (isOdd && random(6) === 0 ? pick([SNOOP, DIRTY]) : 0n);
  const leaf = (): bigint => (BigInt(frame()) << 12n) | BigInt(pick([3, 3, 3, 3, 1, 2])) | bits();
  /** The same, at times with another attribute. */
  const other = (old: bigint): bigint => (isOdd && old !== 0n && random(10) === 0 ? old ^ SNOOP : old);
  const link = (table: number): bigint => (BigInt(table) << 12n) | (isOdd && random(8) === 0 ? 1n : 3n);

  const before = new Map<string, bigint>();
  // Most tables are full, some have a leaf here and there.
  for (const table of OLD_TABLES)
    for (let i = 0, most = pick([7, 7, 7, 1]); i < SIZE; i++)
      if (random(8) < most) before.set(`${table} ${i}`, leaf());
  OLD_TABLES.forEach((table, i) => void before.set(`${ROOT} ${i}`, link(table)));
  if (random(2) === 0) before.set(`${ROOT} 3`, (0x4000n << 12n) | LARGE | 3n);

  const after = new Map(before);
  const steps: Step[] = [];
  const gone: bigint[] = [];
  const frees: number[] = [];
  let update = 1;
  const store = (table: number, index: number, entry: bigint): void => {
    const step = { update: update++, table: table as Pfn, index, entry } as const;
    const key = `${table} ${index}`;
    const old = after.get(key) ?? 0n;
    // At times it meets something else, and stores nothing.
    const expected = isOdd && random(4) === 0 ? old ^ 0x2000n : old;
    if (random(30) === 0) steps.push({ op: "exchange", ...step, expected });
    else if (random(60) === 0)
      steps.push({
        op: "fill",
        update: step.update,
        table: step.table,
        index,
        count: 1,
        first: entry,
        stride: 0n,
      });
    else steps.push({ op: "store", ...step });
    if (table !== ROOT && old !== 0n && old >> 12n !== entry >> 12n) gone.push(old);
    after.set(key, entry);
  };
  for (const table of OLD_TABLES) {
    const share = pick([0, 0, 1, 3, 4]);
    for (let i = 0; i < SIZE; i++) {
      if (random(4) >= share) continue;
      const old = after.get(`${table} ${i}`) ?? 0n;
      store(table, i, pick([0n, leaf(), leaf(), other(old)]));
      if (random(60) === 0) store(table, i, leaf());
    }
  }
  for (const table of NEW_TABLES) {
    if (random(3) === 0) continue;
    const slot = random(5);
    const old = slot < OLD_TABLES.length ? OLD_TABLES[slot]! : null;
    const values = Array.from({ length: SIZE }, (_, i) => {
      const here = old === null ? 0n : (after.get(`${old} ${i}`) ?? 0n);
      return random(4) === 0 ? pick([0n, leaf()]) : other(here);
    });
    if (random(4) === 0) {
      const first = leaf();
      steps.push({ op: "fill", update, table: table as Pfn, index: 0, count: SIZE, first, stride: 0x1000n });
      values.forEach((_, i) => void (values[i] = first + BigInt(i) * 0x1000n));
    } else steps.push({ op: "gather", update, table: table as Pfn, index: 0, entries: values });
    values.forEach((value, i) => {
      const had = old === null ? 0n : (after.get(`${old} ${i}`) ?? 0n);
      if (had !== 0n && had >> 12n !== value >> 12n) gone.push(had);
      after.set(`${table} ${i}`, value);
    });
    steps.push({ op: "barrier" });
    store(ROOT, slot, link(table));
    if (old !== null && !frees.includes(old)) frees.push(old);
  }
  steps.push({ op: "barrier" });
  const scope = frees.length > 0 ? "nonLeaf" : "leaf";
  const halves = pick([
    [[0, PAGES]],
    [[0, PAGES]],
    [
      [0, PAGES / 2],
      [PAGES / 2, PAGES / 2],
    ],
  ]);
  for (const [start, pages] of halves as [number, number][])
    steps.push({ op: "invalidate", domain: 1, scope, caches: 7, iovaPfn: iovaPfn(start), pages });
  steps.push({ op: "wait", drain: true });
  for (const table of frees) steps.push({ op: "freeTable", table: table as Pfn });
  for (const entry of gone)
    steps.push({ op: "unpin", pfn: pfn(Number((entry >> 12n) & 0xff_ffffn)), pages: 1 });

  const base = CAPABILITIES.get(pick(["vtd-ss-48", "vtd-ss-48", "vtd-ss-48-cm", "vtd-ss-48-nc"]))!;
  if (!base.coherentWalk) withCleans(steps, random);

  const wrongs = pick([0, 0, 1, 2]);
  for (let k = 0; k < wrongs; k++) {
    const at = random(steps.length);
    const [step] = steps.splice(at, 1);
    if (random(2) === 0) steps.splice(random(steps.length + 1), 0, step!);
  }
  const newMap = mapOf(after, SIZE);
  return {
    capability: {
      ...base,
      levels: 2,
      inputBits: 12 + 2 * INDEX_LG2,
      leafLevels: [0, 1],
      indexLg2: INDEX_LG2,
    },
    domains: [{ id: 1, root: ROOT as Pfn, levels: 2 }],
    tables: {
      isTable: (table) => table === ROOT || OLD_TABLES.includes(table),
      entry: (table, index) => before.get(`${table} ${index}`) ?? 0n,
      ...(seed % 2 === 0 ? { words: wordsOf(before) } : {}),
    },
    script: EditScript.from(steps),
    oldMap: mapOf(before, SIZE),
    newMap: random(6) === 0 ? newMap.filter(() => random(20) > 0) : newMap,
  };
}

/** The entries of each table as words; tables that nothing is said of share theirs. */
function wordsOf(before: ReadonlyMap<string, bigint>): (table: Pfn) => Uint32Array {
  const known = new Map<number, Uint32Array>();
  const empty = new Uint32Array(2 * SIZE);
  for (const [key, entry] of before) {
    const [table, index] = key.split(" ").map(Number) as [number, number];
    const words = known.get(table) ?? new Uint32Array(2 * SIZE);
    words.set([Number(entry & 0xffff_ffffn), Number(entry >> 32n)], 2 * index);
    known.set(table, words);
  }
  return (table) => known.get(table) ?? empty;
}

/** Cleans what is written: each entry behind its store, all of a table in front of the next barrier, or in pieces. */
export function withCleans(steps: Step[], random: (below: number) => number, entries = SIZE): void {
  const how = random(4);
  if (how === 0) return;
  const dirty = new Set<Pfn>();
  for (let at = 0; at < steps.length; at++) {
    const step = steps[at]!;
    const cleans: Step[] = [];
    if (step.op === "store" || step.op === "exchange" || step.op === "fill" || step.op === "gather") {
      const { table, index } = step;
      const count = step.op === "fill" ? step.count : step.op === "gather" ? step.entries.length : 1;
      if (how === 1 || (how === 2 && count > 1)) {
        cleans.push({ op: "clean", table, index, count });
        steps.splice(++at, 0, ...cleans);
      } else dirty.add(table);
    } else if (step.op === "barrier") {
      for (const table of dirty) {
        const half = random(3) === 0 ? random(entries) : 0;
        if (half > 0) cleans.push({ op: "clean", table, index: 0, count: half });
        cleans.push({ op: "clean", table, index: half, count: entries - half });
      }
      dirty.clear();
      steps.splice(at, 0, ...cleans);
      at += cleans.length;
    }
  }
}
