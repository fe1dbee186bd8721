import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EditScript } from "../../src/edit-script/index.ts";
import { createEngine, RAM_BASE_PFN, TABLE_WINDOW_PFN } from "../../src/engine/index.ts";
import { iovaPfn, type Pfn, pfn } from "../../src/units/index.ts";

const T0 = TABLE_WINDOW_PFN;
const ACCESSED = 0x100n;
const DIRTY = 0x200n;

function tableOf(entries: readonly bigint[]) {
  const engine = createEngine({ tablePages: 4, ramFrames: 4096 });
  const script = new EditScript();
  script.push({ op: "gather", update: 1, table: T0, index: 0, entries });
  engine.execute(script.words);
  return engine;
}
const run = (frame: number, low: bigint, stride: number): bigint[] =>
  Array.from({ length: 512 }, (_, i) => (BigInt(frame + i * stride) << 12n) | low);

describe("uniformTable", () => {
  it("accepts aligned runs of small and of 2 MiB leaves and reports their A and D bits", () => {
    expect(tableOf(run(RAM_BASE_PFN, 3n, 1)).uniformTable(T0, 0)).toEqual({ hardwareBits: 0 });
    expect(tableOf(run(RAM_BASE_PFN, 0x83n, 512)).uniformTable(T0, 1)).toEqual({ hardwareBits: 0 });
    const touched = run(RAM_BASE_PFN, 3n, 1);
    touched[7]! |= ACCESSED;
    expect(tableOf(touched).uniformTable(T0, 0)).toEqual({ hardwareBits: 0x100 });
    touched[511]! |= DIRTY;
    expect(tableOf(touched).uniformTable(T0, 0)).toEqual({ hardwareBits: 0x300 });
  });

  it.each<[string, bigint[], number]>([
    ["an empty table", run(0, 0n, 0), 0],
    ["an unaligned run", run(RAM_BASE_PFN + 1, 3n, 1), 0],
    ["a run of 2 MiB leaves aligned to 2 MiB only", run(RAM_BASE_PFN + 512, 0x83n, 512), 1],
    ["table entries", run(T0 - (T0 % 512), 3n, 512), 1],
    ["what no leaf can stand for", run(RAM_BASE_PFN, 0x83n, 2 ** 18), 2],
  ])("refuses %s", (_, entries, level) => {
    expect(tableOf(entries).uniformTable(T0, level)).toBeNull();
  });

  it("refuses a run that differs in any one bit of any one entry, A and D apart", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 511 }), fc.integer({ min: 0, max: 63 }), (index, bit) => {
        const entries = run(RAM_BASE_PFN, 3n, 1);
        entries[index]! ^= 1n << BigInt(bit);
        const found = tableOf(entries).uniformTable(T0, 0);
        if (bit === 8 || bit === 9) expect(found).toEqual({ hardwareBits: 1 << bit });
        else expect(found).toBeNull();
      }),
      { numRuns: 300 },
    );
  });
});

describe("checkedWalks", () => {
  const DELTA = RAM_BASE_PFN;
  const link = (table: number): bigint => (BigInt(table) << 12n) | 3n;
  function fourLevels() {
    const engine = createEngine({ tablePages: 4, ramFrames: 4096 });
    const script = new EditScript();
    const put = (table: number, index: number, entry: bigint): void =>
      script.push({ op: "store", update: 1, table: pfn(table), index, entry });
    put(T0, 0, link(T0 + 1));
    put(T0 + 1, 0, link(T0 + 2));
    put(T0 + 2, 0, link(T0 + 3));
    put(T0 + 2, 1, (BigInt(DELTA + 512) << 12n) | 0x83n);
    script.fill(2, pfn(T0 + 3), 0, 512, ((DELTA << 12) | 3) >>> 0, DELTA >>> 20, 4096, 0);
    engine.execute(script.words);
    return engine;
  }

  it("finds nothing wrong where every page is as it must be, and goes on from its seed", () => {
    const engine = fourLevels();
    const once = engine.checkedWalks(T0, 1024, 2000, DELTA, 9);
    expect(once.wrong).toBe(0);
    const half = engine.checkedWalks(T0, 1024, 1000, DELTA, 9);
    expect(engine.checkedWalks(T0, 1024, 1000, DELTA, half.seed).seed).toBe(once.seed);
  });

  it("counts the walks that end elsewhere, as the walk of one page would", () => {
    const engine = fourLevels();
    const script = new EditScript();
    script.push({ op: "store", update: 1, table: pfn(T0 + 3), index: 5, entry: 0n });
    script.push({ op: "store", update: 2, table: pfn(T0 + 3), index: 6, entry: link(DELTA + 7) });
    engine.execute(script.words);
    const pages: number[] = [];
    for (let state = 9, i = 0; i < 5000; i++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      pages.push(Math.floor(((state >>> 0) * 1536) / 2 ** 32));
    }
    const wrong = pages.filter((page) => {
      const at = engine.walk(T0 as Pfn, 4, iovaPfn(page));
      return at === null || at.pfn !== page + DELTA;
    }).length;
    expect(wrong).toBeGreaterThan(1000);
    expect(engine.checkedWalks(T0, 1536, 5000, DELTA, 9).wrong).toBe(wrong);
  });
});
