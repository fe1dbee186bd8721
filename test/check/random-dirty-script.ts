import type { CheckInput } from "../../src/check/index.ts";
import {
  CACHE_IOTLB,
  CACHE_WALK,
  CACHES_ALL,
  CAPABILITIES,
  EditScript,
  type MapRun,
  type Recording,
  type Step,
} from "../../src/edit-script/index.ts";
import { iovaPfn, type Pfn, pfn } from "../../src/units/index.ts";
import { seededRandom } from "./seeded-random.ts";

export const ROOT = 0x10_0000;
export const TABLES = [ROOT + 1, ROOT + 2, ROOT + 3];
const FRAME = 0x100;

/** A script about pages that all keep their frames, right or wrong, and what it runs against. */
export interface DirtyCase {
  readonly input: CheckInput;
  readonly steps: readonly Step[];
  readonly returns: readonly number[];
  readonly before: ReadonlyMap<string, bigint>;
  readonly pages: number;
}

/** The frame that a page has in both maps. */
export const frameOfPage = (page: number): number => FRAME + page;

/** The same as a recording of several calls. */
export interface DirtyCalls extends DirtyCase {
  readonly recording: Recording;
  /** Steps after which a call of the recording is over, but for the last. */
  readonly ends: readonly number[];
  /** True iff the page is mapped before and after a call. */
  isJudged(call: number, page: number): boolean;
}

/** A random script on two levels of tables in which walkers set dirty bits. */
export const randomDirtyCase = (seed: number): DirtyCase =>
  drawn(seed, seededRandom(seed), { stepsCount: (random) => 3 + random(6), mostWrites: 4, protects: false });

/** A longer one cut into two or three calls. */
export function randomDirtyCalls(seed: number): DirtyCalls {
  const random = seededRandom(seed);
  const one = drawn(seed, random, { stepsCount: () => 5 + random(7), mostWrites: 6, protects: true });
  const { input, steps, before, pages, returns } = one;
  const cuts = Array.from({ length: 1 + random(2) }, () => 1 + random(steps.length - 1));
  const ends = [...new Set(cuts)].sort((a, b) => a - b);
  const isMapped = [...ends, 0, 0].map(() => Array.from({ length: pages }, () => random(20) > 0));
  const mapOf = (call: number): MapRun[] =>
    Array.from({ length: pages }, (_, page) => page)
      .filter((page) => isMapped[call]![page])
      .map((page) => ({ iovaPfn: iovaPfn(page), pages: 1, pfn: pfn(frameOfPage(page)), rights: 3 }));
  const { capability, domains, deviceCaches } = input;
  const recording: Recording = {
    capability,
    domains,
    tables: [ROOT, ...TABLES].flatMap((table) => [
      { table: table as Pfn, index: 0, count: 1, first: 0n, stride: 0n },
      ...[...before].flatMap(([key, first]) => {
        const [of, index] = key.split(" ").map(Number) as [number, number];
        return of === table ? [{ table: table as Pfn, index, count: 1, first, stride: 0n }] : [];
      }),
    ]),
    oldMap: mapOf(0),
    pins: null,
    keptTables: [],
    deviceCaches: deviceCaches!,
    isEpoch: false,
    calls: [...ends, steps.length].map((end, call) => {
      const start = ends[call - 1] ?? 0;
      const inside = returns.filter((step) => start < step && step < end);
      return {
        label: "",
        line: call + 1,
        newMap: mapOf(call + 1),
        pinned: [],
        ioctls: [start, ...inside].map((step) => ({ label: "", step: step - start + 1 })),
        script: EditScript.from(steps.slice(start, end)),
        stepLines: [],
      };
    }),
  };
  const isJudged = (call: number, page: number): boolean =>
    isMapped[call]![page]! && isMapped[call + 1]![page]!;
  return { ...one, recording, ends, isJudged };
}

type Random = (below: number) => number;

interface Draw {
  readonly stepsCount: (random: Random) => number;
  readonly mostWrites: number;
  /** Often take the right to write away, or store over what cannot be written. */
  readonly protects: boolean;
}

function drawn(seed: number, random: Random, { stepsCount, mostWrites, protects }: Draw): DirtyCase {
  const pick = <T>(list: readonly T[]): T => list[random(list.length)]!;
  const indexLg2 = 1 + (random(3) === 0 ? 1 : 0);
  const size = 2 ** indexLg2;
  const pages = size * size;
  const entry = (frame: number, isLarge: boolean): bigint =>
    (BigInt(frame) << 12n) |
    BigInt(pick([3, 3, 3, 3, 1, 2])) |
    (isLarge ? 0x80n : 0n) |
    pick([0n, 0n, 0n, 0x100n, 0x300n]);
  const placeOf = (table: number): number => (table - ROOT - 1) % size;
  const frameIn = (table: number, index: number): number =>
    FRAME + placeOf(table) * size + index + (random(12) === 0 ? 0x40 : 0);
  const large = (index: number): bigint => entry(FRAME + index * size, true);
  const small = (table: number, index: number): bigint => entry(frameIn(table, index), false);
  const link = (index: number): bigint => {
    const fitting = TABLES.filter((table) => placeOf(table) === index);
    const table = fitting.length > 0 && random(8) > 0 ? pick(fitting) : pick(TABLES);
    return (BigInt(table) << 12n) | BigInt(pick([3, 3, 3, 3, 1]));
  };
  const now = new Map<string, bigint>();
  for (const table of TABLES)
    for (let i = 0; i < size; i++) if (random(5) > 0) now.set(`${table} ${i}`, small(table, i));
  const linked = new Set<bigint>();
  for (let i = 0; i < size; i++) {
    const value = pick([0n, large(i), large(i), link(i), link(i)]);
    // Before the script a table stands in one place.
    if (linked.has(value >> 12n)) continue;
    now.set(`${ROOT} ${i}`, value);
    if ((value & 0x80n) === 0n) linked.add(value >> 12n);
  }
  const before = new Map(now);
  const steps: Step[] = [];
  const freed = new Set<number>();
  const count = stepsCount(random);
  let writes = 0;
  const write = (table: Pfn, index: number, value: bigint): void => {
    const update = steps.length + 1;
    const key = `${table} ${index}`;
    const held = now.get(key) ?? 0n;
    writes++;
    if (random(2) === 0) steps.push({ op: "store", update, table, index, entry: value });
    else {
      const expected = random(8) === 0 ? held ^ 0x1000n : held ^ pick([0n, 0x100n, 0x300n]);
      steps.push({ op: "exchange", update, table, index, entry: value, expected });
      if (((expected ^ held) & ~0x300n) !== 0n) return;
    }
    now.set(key, value);
  };
  while (steps.length < count) {
    const kind = random(20);
    const table = pick(TABLES) as Pfn;
    const index = random(size);
    if (protects && writes < mostWrites && random(3) === 0) {
      const from = pick([ROOT as Pfn, table]);
      const held = now.get(`${from} ${index}`) ?? 0n;
      if (freed.has(from) || held === 0n) continue;
      write(from, index, (held & 2n) !== 0n ? held & ~0x302n : (held & ~0x300n) | pick([2n, 0x202n, 0n]));
    } else if (kind < 5 && writes < mostWrites) {
      const value = pick([0n, large(index), large(index), link(index), link(index)]);
      if (value !== 0n && (value & 0x80n) === 0n && freed.has(Number(value >> 12n))) continue;
      write(ROOT as Pfn, index, value);
    } else if (kind < 7 && writes < mostWrites) {
      if (freed.has(table)) continue;
      write(table, index, pick([0n, small(table, index), small(table, index)]));
    } else if (kind === 7 && writes < mostWrites) {
      if (freed.has(table)) continue;
      const first = entry(FRAME + placeOf(table) * size, false);
      // Plain stores into a table in use are found where something else says that the script works there.
      const isLinked = Array.from({ length: size }, (_, i) => now.get(`${ROOT} ${i}`) ?? 0n).some(
        (link) => (link & 0x80n) === 0n && Number(link >> 12n) === table,
      );
      steps.push({
        op: isLinked ? "storeRun" : "fill",
        update: steps.length + 1,
        table,
        index: 0,
        count: size,
        first,
        stride: 0x1000n,
      });
      for (let i = 0; i < size; i++) now.set(`${table} ${i}`, first + BigInt(i) * 0x1000n);
      writes++;
    } else if (kind < 11) {
      const from = pick([ROOT as Pfn, table, table]);
      if (freed.has(from)) continue;
      steps.push(
        random(2) === 0
          ? { op: "collect", table: from, index: 0, count: size }
          : { op: "collect", table: from, index, count: 1 },
      );
    } else if (kind < 13) steps.push({ op: "barrier" });
    else if (kind < 16)
      steps.push({
        op: "invalidate",
        domain: 1,
        scope: pick(["leaf", "nonLeaf", "nonLeaf"]),
        caches: pick([7, 7, 7, 3, 4, 1, 6]),
        ...pick([
          { iovaPfn: iovaPfn(0), pages },
          { iovaPfn: iovaPfn(0), pages: size },
          { iovaPfn: iovaPfn(random(pages)), pages: 1 },
        ]),
      });
    else if (kind < 19) steps.push({ op: "wait", drain: random(4) > 0 });
    else {
      if (freed.has(table)) continue;
      freed.add(table);
      steps.push({ op: "freeTable", table });
    }
  }
  const wordsOf = (table: number): Uint32Array =>
    Uint32Array.from(
      Array.from({ length: size }, (_, i) => before.get(`${table} ${i}`) ?? 0n).flatMap((held) => [
        Number(held & 0xffff_ffffn),
        Number(held >> 32n),
      ]),
    );
  const base = CAPABILITIES.get("vtd-ss-48-ad")!;
  const map: MapRun[] = [{ iovaPfn: iovaPfn(0), pages, pfn: pfn(FRAME), rights: 3 }];
  const returns = random(2) === 0 ? [] : [1 + random(steps.length - 1)];
  const spans = [1, ...returns.map((step) => step + 1)].map((step, i) => ({
    number: i + 1,
    step,
    name: `call ${i + 1}`,
  }));
  const input: CheckInput = {
    capability: { ...base, levels: 2, inputBits: 12 + 2 * indexLg2, leafLevels: [0, 1], indexLg2 },
    domains: [{ id: 1, root: ROOT as Pfn, levels: 2 }],
    tables: {
      isTable: (table) => table === ROOT || TABLES.includes(table),
      entry: (table, index) => before.get(`${table} ${index}`) ?? 0n,
      words: (table) => (seed % 4 === 0 ? null : wordsOf(table)),
    },
    script: EditScript.from(steps),
    oldMap: map,
    newMap: map,
    deviceCaches: random(3) === 0 ? CACHE_IOTLB | CACHE_WALK : CACHES_ALL,
    calls: returns.length === 0 ? null : { count: spans.length, spans },
  };
  return { input, steps, returns, before, pages };
}
