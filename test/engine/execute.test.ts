import { describe, expect, it } from "vitest";
import { EditScript } from "../../src/edit-script/index.ts";
import { createEngine, EngineBug, RAM_BASE_PFN, TABLE_WINDOW_PFN } from "../../src/engine/index.ts";
import { iovaPfn, pfn } from "../../src/units/index.ts";
import { POISON } from "./plain-machine.ts";

const T0 = TABLE_WINDOW_PFN;
const small = () => createEngine({ tablePages: 8, ramFrames: 4096 });

describe("execute", () => {
  it("streams a script that is larger than its window, cutting at record borders", () => {
    const engine = createEngine({ tablePages: 512, ramFrames: 4096 });
    const script = new EditScript();
    /* 512 tables of 512 entries: 4 MiB of gathers through a window of 512 KiB. */
    for (let t = 0; t < 512; t++) {
      const { words, at } = script.gather(1, pfn(T0 + t), 0, 512);
      for (let i = 0; i < 512; i++) {
        words[at + 2 * i] = t * 512 + i;
        words[at + 2 * i + 1] = ~i;
      }
      script.store(1, pfn(T0 + t), t, 7, t);
    }
    engine.execute(script.words);
    for (let t = 0; t < 512; t += 73) {
      const words = engine.readTable(pfn(T0 + t)).slice();
      for (let i = 0; i < 512; i++) {
        expect([words[2 * i], words[2 * i + 1]]).toEqual(i === t ? [7, t] : [t * 512 + i, ~i >>> 0]);
      }
    }
    expect(engine.counters).toMatchObject({ privateStores: 512 * 512, entryStores: 512 });
  });

  it("drops a million scattered pins from one script", () => {
    const frames = 1 << 20;
    const engine = createEngine({ tablePages: 1, ramFrames: frames });
    engine.pinFrames(RAM_BASE_PFN, frames);
    const script = new EditScript();
    for (let i = 0; i < frames; i++) script.unpin(pfn(RAM_BASE_PFN + ((i * 7919) % frames)), 1);
    engine.execute(script.words);
    for (let i = 0; i < frames; i += 1021) expect(engine.framePins(pfn(RAM_BASE_PFN + i))).toBe(0);
    expect(engine.counters.pagesUnpinned).toBe(frames);
  });

  it("pins a TiB of 1 GiB frames in the default machine", () => {
    const engine = createEngine();
    for (let g = 0; g < 1024; g++) engine.pinFrames(pfn(RAM_BASE_PFN + g * 2 ** 18), 2 ** 18);
    expect(engine.framePins(pfn(RAM_BASE_PFN + 2 ** 28 - 1))).toBe(1);
    expect(engine.framePins(pfn(RAM_BASE_PFN + 2 ** 28))).toBe(0);
    engine.unpinFrames(RAM_BASE_PFN, 2 ** 28);
    expect(engine.framePins(RAM_BASE_PFN)).toBe(0);
  });

  it("poisons a freed table and marks it dead until it is claimed again", () => {
    const engine = small();
    engine.claimTable(T0);
    expect(engine.tableLife(T0)).toEqual({ live: true, freedAt: 0 });
    const script = new EditScript();
    script.freeTable(T0);
    engine.execute(script.words);
    expect(engine.tableLife(T0)).toEqual({ live: false, freedAt: 1 });
    for (let i = 0; i < 512; i++) expect(engine.loadEntry(T0, i)).toBe(POISON);
    expect(() => engine.execute(script.words)).toThrow(EngineBug);
    engine.claimTable(T0);
    expect(engine.tableLife(T0)).toEqual({ live: true, freedAt: 1 });
  });

  it("carries A and D bits that hardware set when it exchanges an entry", () => {
    const engine = small();
    const leaf = (BigInt(RAM_BASE_PFN) << 12n) | 0x83n;
    const store = new EditScript();
    store.push({ op: "store", update: 1, table: T0, index: 3, entry: leaf | 0x300n });
    store.push({ op: "exchange", update: 2, table: T0, index: 3, expected: leaf, entry: leaf & ~2n });
    engine.execute(store.words);
    expect(engine.loadEntry(T0, 3)).toBe((leaf & ~2n) | 0x300n);
  });

  it("carries A and D bits of a split leaf into every child", () => {
    const engine = small();
    const leaf = (BigInt(RAM_BASE_PFN) << 12n) | 0x83n;
    const link = (BigInt(T0 + 1) << 12n) | 3n;
    const script = new EditScript();
    script.push({ op: "store", update: 1, table: T0, index: 0, entry: leaf | 0x200n });
    script.push({
      op: "fill",
      update: 2,
      table: pfn(T0 + 1),
      index: 0,
      count: 512,
      first: leaf & ~0x80n,
      stride: 4096n,
    });
    script.push({ op: "exchange", update: 2, table: T0, index: 0, expected: leaf, entry: link });
    engine.execute(script.words);
    expect(engine.loadEntry(T0, 0)).toBe(link);
    for (let i = 0; i < 512; i++)
      expect(engine.loadEntry(pfn(T0 + 1), i)).toBe(((leaf & ~0x80n) | 0x200n) + BigInt(i) * 4096n);
  });

  it("carries A and D bits of a split leaf into leaves of nested tables, not into pointers or absent entries", () => {
    const engine = small();
    const leaf = (BigInt(RAM_BASE_PFN) << 12n) | 0x83n;
    const link = (table: number): bigint => (BigInt(table) << 12n) | 3n;
    const script = new EditScript();
    script.push({ op: "store", update: 1, table: T0, index: 0, entry: leaf | 0x300n });
    script.push({ op: "store", update: 1, table: pfn(T0 + 1), index: 0, entry: link(T0 + 2) });
    script.push({ op: "store", update: 1, table: pfn(T0 + 1), index: 1, entry: leaf });
    script.push({ op: "store", update: 1, table: pfn(T0 + 2), index: 9, entry: leaf & ~0x80n });
    script.push({ op: "exchange", update: 2, table: T0, index: 0, expected: leaf, entry: link(T0 + 1) });
    engine.execute(script.words);
    const present = (table: number): [number, bigint][] =>
      Array.from({ length: 512 }, (_, i): [number, bigint] => [i, engine.loadEntry(pfn(table), i)]).filter(
        ([, entry]) => entry !== 0n,
      );
    expect(present(T0 + 1)).toEqual([
      [0, link(T0 + 2)],
      [1, leaf | 0x300n],
    ]);
    expect(present(T0 + 2)).toEqual([[9, (leaf & ~0x80n) | 0x300n]]);
  });

  it("carries A and D bits that were expected as well", () => {
    const engine = small();
    const leaf = (BigInt(RAM_BASE_PFN) << 12n) | 0x83n;
    const script = new EditScript();
    script.push({ op: "store", update: 1, table: T0, index: 3, entry: leaf | 0x200n });
    script.push({
      op: "exchange",
      update: 2,
      table: T0,
      index: 3,
      expected: leaf | 0x200n,
      entry: leaf & ~2n,
    });
    engine.execute(script.words);
    expect(engine.loadEntry(T0, 3)).toBe((leaf & ~2n) | 0x200n);
  });

  it("collects A and D of leaves, tells once which were dirty, and leaves everything else alone", () => {
    const engine = small();
    const leaf = (BigInt(RAM_BASE_PFN) << 12n) | 0x3n;
    const link = (BigInt(T0 + 1) << 12n) | 0x303n;
    const entries = [leaf | 0x300n, leaf | 0x100n, leaf, 0x300n, link, leaf | 0x200n, leaf | 0x200n];
    const script = new EditScript();
    script.push({ op: "gather", update: 1, table: T0, index: 30, entries });
    script.collect(T0, 30, 6);
    engine.execute(script.words);
    const now = entries.map((_, i) => engine.loadEntry(T0, 30 + i));
    expect(now).toEqual([leaf, leaf, leaf, 0x300n, link, leaf, leaf | 0x200n]);
    expect([...engine.takeFound(T0)]).toEqual([2 ** 30, 1 << 3, ...Array(14).fill(0)]);
    expect([...engine.takeFound(T0)]).toEqual(Array(16).fill(0));
    expect(engine.counters).toMatchObject({ entriesCollected: 3, entryStores: 0 });
  });

  it("forgets what was found in a table page that is claimed anew", () => {
    const engine = small();
    const script = new EditScript();
    script.store(1, T0, 5, 0x203, RAM_BASE_PFN >>> 20);
    script.collect(T0, 0, 512);
    engine.execute(script.words);
    engine.claimTable(T0);
    expect(engine.takeFound(T0).some((word) => word !== 0)).toBe(false);
  });

  it.each([
    [
      "a table outside the window",
      (s: EditScript) => s.store(1, pfn(T0 + 8), 0, 1, 0),
      /outside the table window/,
    ],
    [
      "a table below the window",
      (s: EditScript) => s.store(1, pfn(T0 - 1), 0, 1, 0),
      /outside the table window/,
    ],
    ["entries past the end of a table", (s: EditScript) => s.fill(1, T0, 500, 13, 1, 0, 0, 0), /512th/],
    ["a gather past the end of a table", (s: EditScript) => s.gather(1, T0, 511, 2), /512th/],
    ["a collect past the end of a table", (s: EditScript) => s.collect(T0, 511, 2), /512th/],
    ["an unpin of a frame without pins", (s: EditScript) => s.unpin(RAM_BASE_PFN, 1), /no pin/],
    ["an unpin of what is no RAM", (s: EditScript) => s.unpin(pfn(RAM_BASE_PFN + 4095), 2), /no RAM/],
    ["a second free", (s: EditScript) => s.freeTable(T0), /not live/],
    ["closing a window that is not open", (s: EditScript) => s.window("close", 1, iovaPfn(0), 1), /not open/],
    ["a foreign root", (s: EditScript) => s.setRoot(1, 1, pfn(T0 + 8), 4, 1), /outside the table window/],
    [
      "an exchange that finds another entry",
      (s: EditScript) => s.exchange(1, T0, 0, 8, 0, 9, 0),
      /another entry/,
    ],
  ])("throws EngineBug on %s and changes nothing", (_, append, message) => {
    const engine = small();
    const before = engine.readTable(T0).slice();
    const script = new EditScript();
    append(script);
    expect(() => engine.execute(script.words)).toThrow(message);
    expect(() => engine.execute(script.words)).toThrow(EngineBug);
    expect(engine.readTable(T0)).toEqual(before);
    expect(engine.framePins(pfn(RAM_BASE_PFN + 4095))).toBe(0);
  });

  it("throws on an unknown op and on a gather that is cut short", () => {
    const engine = small();
    expect(() => engine.execute(Uint32Array.of(99, 0, 0, 0, 0, 0, 0, 0))).toThrow(/unknown op/);
    const script = new EditScript();
    script.gather(1, T0, 0, 4);
    expect(() => engine.execute(script.words.slice(0, 12))).toThrow(/cut short/);
  });

  it("waits for nobody when no device runs", () => {
    const engine = small();
    const script = new EditScript();
    for (let i = 0; i < 1000; i++) {
      script.invalidate(1, "nonLeaf", 7, iovaPfn(i), 1);
      script.wait(true);
    }
    engine.execute(script.words);
    expect(engine.counters).toMatchObject({ invalidations: 1000, waits: 1000 });
    engine.resetCounters();
    expect(engine.counters.waits).toBe(0);
  });

  it("writes the same entries when stores are torn or perturbed", () => {
    const engine = small();
    engine.setTearStores(true);
    engine.setPerturbation({ seed: 1, oneIn: 2, maxSpins: 50 });
    const script = new EditScript();
    script.storeRun(1, T0, 0, 512, 0xffff_f003, 0x10, 0x1000, 0);
    engine.execute(script.words);
    for (let i = 0; i < 512; i++) expect(engine.loadEntry(T0, i)).toBe(0x10_ffff_f003n + BigInt(i) * 0x1000n);
  });
});

describe("createEngine", () => {
  it("makes hundreds of small machines that share nothing", () => {
    const engines = Array.from({ length: 300 }, small);
    engines.forEach((engine, i) => {
      const script = new EditScript();
      script.store(1, T0, 5, i, i);
      engine.execute(script.words);
    });
    engines.forEach((engine, i) => {
      expect(engine.loadEntry(T0, 5)).toBe((BigInt(i) << 32n) | BigInt(i));
    });
  });

  it.each([
    [{ tablePages: 0 }, /tablePages 0/],
    [{ ramFrames: -1 }, /ramFrames -1/],
    [{ ramFrames: 2 ** 30 }, /do not fit 4 GiB/],
  ])("refuses %o", (options, message) => {
    expect(() => createEngine(options)).toThrow(message);
  });
});
