import { describe, expect, it } from "vitest";
import {
  BARE_DEVICE,
  beginChange,
  configureDevice,
  type DeviceConfig,
  endChange,
  publishMap,
  publishPattern,
  readResult,
  runAlone,
} from "../../src/device/index.ts";
import { machineOf } from "../../src/engine/engine.ts";
import type { Engine } from "../../src/engine/index.ts";
import { iovaPfn, READ } from "../../src/units/index.ts";
import { FRAME_A, LOW, machine, put, READ_WRITE, small } from "./bench-tables.ts";

const PAGES = 16;

function mapped(): Engine {
  const engine = machine();
  publishMap(engine, 0, [
    { iovaPfn: iovaPfn(0), pages: PAGES, rights: READ_WRITE, frames: { base: FRAME_A } },
  ]);
  for (let i = 0; i < PAGES; i++) put(engine, LOW, i, small(FRAME_A + i));
  publishPattern(engine, [{ iovaPfn: iovaPfn(0), pages: PAGES, weight: 1 }]);
  return engine;
}

function run(engine: Engine, config: Partial<DeviceConfig>) {
  configureDevice(engine, 0, { ...BARE_DEVICE, keep: 1, ...config });
  runAlone(engine, 0, 5000);
  return readResult(engine, 0);
}

describe("a device's caches", () => {
  it("serve almost every access once they are warm, and right", () => {
    for (const [config, statistic] of [
      [{ iotlb: true }, "iotlbHits"],
      [{ atc: true }, "atcHits"],
      [{ walkCache: true }, "walkCacheHits"],
    ] as const) {
      const { outcomes, statistics } = run(mapped(), config);
      expect(outcomes.served).toBe(5000);
      expect(statistics[statistic]).toBeGreaterThan(4500);
    }
  });

  it("are not used when they are switched off", () => {
    const { statistics } = run(mapped(), {});
    expect(statistics).toMatchObject({ iotlbHits: 0, atcHits: 0, walkCacheHits: 0 });
  });

  it("forget at the device's whim", () => {
    const half = run(mapped(), { iotlb: true, evict: 0.5 });
    expect(half.outcomes.served).toBe(5000);
    expect(half.statistics.iotlbHits).toBeGreaterThan(1500);
    expect(half.statistics.iotlbHits).toBeLessThan(3500);
    expect(run(mapped(), { iotlb: true, evict: 1 }).statistics.iotlbHits).toBe(0);
    expect(run(mapped(), { iotlb: true, keep: 0 }).statistics.iotlbHits).toBe(0);
  });

  it("keep faults only in caching mode", () => {
    const engine = machine();
    publishMap(engine, 0, []);
    publishPattern(engine, [{ iovaPfn: iovaPfn(0), pages: PAGES, weight: 1 }]);
    expect(run(engine, { iotlb: true }).statistics.iotlbHits).toBe(0);
    const cached = run(engine, { iotlb: true, cachesNotPresent: true });
    expect(cached.statistics.iotlbHits).toBeGreaterThan(4500);
    expect(cached.outcomes.refused).toBe(5000);
  });

  it("are found out in the next change as well: what the map before it allowed is stale (V04)", () => {
    const engine = mapped();
    const narrowed = [{ iovaPfn: iovaPfn(0), pages: PAGES, rights: READ, frames: { base: FRAME_A } }];
    configureDevice(engine, 0, { ...BARE_DEVICE, keep: 1, iotlb: true });
    const { wasm, control } = machineOf(engine);
    wasm.enterDevice(control, 0);
    wasm.runDevice(control, 0, 5000);
    for (let i = 0; i < PAGES; i++) put(engine, LOW, i, small(FRAME_A + i, READ));
    for (const version of [1, 2]) publishMap(engine, version, narrowed);
    beginChange(engine);
    endChange(engine);
    beginChange(engine);
    wasm.runDevice(control, 0, 5000);
    wasm.leaveDevice(control, 0);
    expect(readResult(engine, 0).outcomes).toMatchObject({ served: 5000, V04: 5000, V03: 0 });
  });

  it("hold accesses back and perform every one of them", () => {
    const { outcomes, statistics } = run(mapped(), { hold: 0.5 });
    expect(statistics.held).toBeGreaterThan(2000);
    expect(outcomes.served).toBe(5000);
  });

  it("make the same run from the same seed", () => {
    const config = { iotlb: true, walkCache: true, atc: true, keep: 0.5, evict: 0.1, hold: 0.2, seed: 42 };
    expect(run(mapped(), config)).toEqual(run(mapped(), config));
    expect(run(mapped(), config)).not.toEqual(run(mapped(), { ...config, seed: 43 }));
  });
});

describe("a walker that sets A and D", () => {
  it("sets A in leaves it reads and D in those it writes", () => {
    const engine = mapped();
    run(engine, { setsDirty: true, writes: 0 });
    for (let i = 0; i < PAGES; i++) expect(engine.loadEntry(LOW, i)).toBe(small(FRAME_A + i) | 0x100n);
    run(engine, { setsDirty: true, writes: 1, iotlb: true });
    for (let i = 0; i < PAGES; i++) expect(engine.loadEntry(LOW, i)).toBe(small(FRAME_A + i) | 0x300n);
  });

  it("does not set D for a write that it refuses", () => {
    const engine = mapped();
    for (let i = 0; i < PAGES; i++) put(engine, LOW, i, small(FRAME_A + i, 1));
    publishMap(engine, 1, [{ iovaPfn: iovaPfn(0), pages: PAGES, rights: 1, frames: { base: FRAME_A } }]);
    beginChange(engine);
    endChange(engine);
    expect(run(engine, { setsDirty: true, writes: 1 }).outcomes.refused).toBe(5000);
    for (let i = 0; i < PAGES; i++) expect(engine.loadEntry(LOW, i)).toBe(small(FRAME_A + i, 1) | 0x100n);
  });
});
