import { afterEach, describe, expect, it } from "vitest";
import {
  BARE_DEVICE,
  beginChange,
  CACHING_DEVICE,
  type DeviceConfig,
  type DeviceResult,
  endChange,
  type OracleRegion,
  OUTCOMES,
  publishMap,
  publishPattern,
  readEpoch,
} from "../../src/device/index.ts";
import { CACHES_ALL, EditScript } from "../../src/edit-script/index.ts";
import type { Engine } from "../../src/engine/index.ts";
import { DevicePool } from "../../src/harness/device-pool.ts";
import { iovaPfn, type Pfn, pfn, READ } from "../../src/units/index.ts";
import {
  DOMAIN,
  FRAME_A,
  FRAME_B,
  LOW,
  large,
  link,
  MIDDLE,
  machine,
  READ_WRITE,
  SPARE,
  small,
} from "../device/bench-tables.ts";

/* Two devices and the updater: one thread more than a small machine has, so that pre-emption is part of the test. */
const DEVICES = 2;
const MOST_DEVICES = 6;
const CHANGES = 150;
const MOST_CHANGES = 20_000;
const SPAN = iovaPfn(0);

let pool: DevicePool | undefined;
afterEach(async () => {
  await pool?.destroy();
  pool = undefined;
});

const span = (frame: Pfn, rights = READ_WRITE): OracleRegion => ({
  iovaPfn: SPAN,
  pages: 512,
  rights,
  frames: { base: frame },
});

/** A machine whose first 2 MiB are one large leaf of FRAME_A, with every device attached. */
function largeMachine(): Engine {
  const engine = machine();
  for (let d = 0; d < MOST_DEVICES; d++)
    engine.setContext(d, { domain: DOMAIN, root: pfn(MIDDLE - 1), levels: 3 });
  const script = new EditScript();
  script.push({ op: "store", update: 1, table: MIDDLE, index: 0, entry: large(FRAME_A) });
  script.freeTable(LOW);
  engine.execute(script.words);
  publishMap(engine, 0, [span(FRAME_A)]);
  publishPattern(engine, [{ iovaPfn: SPAN, pages: 512, weight: 1 }]);
  engine.setPerturbation({ seed: 5, oneIn: 4, maxSpins: 10_000 });
  return engine;
}

interface Change {
  readonly map: readonly OracleRegion[];
  readonly script: (script: EditScript) => void;
  /** Frames and tables that the change needs again. */
  readonly before?: (engine: Engine) => void;
}

type Until = (results: readonly DeviceResult[]) => boolean;
/** A broken updater runs until somebody has noticed, a correct one its course. */
const noticed: Until = (results) => results.some(({ samples }) => samples.length > 0);
const course: Until = () => true;

/** Runs changes in turn against running devices, `CHANGES` of them and more until `until`, and adds up what the devices saw. */
async function race(
  engine: Engine,
  changes: readonly Change[],
  config: Partial<DeviceConfig> = {},
  until = noticed,
  devices = DEVICES,
): Promise<{ seen: Record<string, number>; forbidden: string[]; results: DeviceResult[] }> {
  pool = new DevicePool(
    engine,
    Array.from({ length: devices }, (_, i) => ({ ...CACHING_DEVICE, ...config, seed: 11 + i })),
  );
  await pool.start();
  for (let i = 0; i < MOST_CHANGES && !(i >= CHANGES && until(pool.results())); i++) {
    const change = changes[i % changes.length]!;
    change.before?.(engine);
    publishMap(engine, readEpoch(engine) / 2 + 1, change.map);
    const script = new EditScript();
    change.script(script);
    pool.awaitProgress(200);
    beginChange(engine);
    engine.execute(script.words);
    endChange(engine);
  }
  pool.awaitProgress(200);
  const results = await pool.stop();
  const seen: Record<string, number> = {};
  for (const { id } of OUTCOMES) seen[id] = results.reduce((sum, r) => sum + r.outcomes[id], 0);
  const forbidden = OUTCOMES.filter(({ id, grade }) => grade === "FORBIDDEN" && seen[id]! > 0).map(
    ({ id }) => id,
  );
  expect(results.reduce((sum, r) => sum + r.accesses, 0)).toBe(
    Object.values(seen).reduce((a, b) => a + b, 0),
  );
  for (const { accesses } of results) expect(accesses).toBeGreaterThan(CHANGES * 200);
  return { seen, forbidden, results };
}

const fillChild = (script: EditScript, update: number, table: Pfn, frame: Pfn, rights = READ_WRITE): void =>
  script.push({
    op: "fill",
    update,
    table,
    index: 0,
    count: 512,
    first: small(frame, rights),
    stride: 4096n,
  });
const storeMiddle = (script: EditScript, update: number, entry: bigint): void =>
  script.push({ op: "store", update, table: MIDDLE, index: 0, entry });
const invalidate = (script: EditScript, scope: "leaf" | "nonLeaf", caches = CACHES_ALL): void =>
  script.invalidate(DOMAIN, scope, caches, SPAN, 512);

/** The large leaf becomes SPARE full of small ones. */
const split: Change = {
  map: [span(FRAME_A)],
  before: (engine) => engine.claimTable(SPARE),
  script: (s) => {
    const update = s.newUpdate();
    fillChild(s, update, SPARE, FRAME_A);
    s.barrier();
    storeMiddle(s, update, link(SPARE));
    invalidate(s, "nonLeaf");
    s.wait(true);
  },
};
/** And back; the table is freed last. */
const merge: Change = {
  map: [span(FRAME_A)],
  script: (s) => {
    storeMiddle(s, s.newUpdate(), large(FRAME_A));
    invalidate(s, "nonLeaf");
    s.wait(true);
    s.freeTable(SPARE);
  },
};
const moveTo = (frame: Pfn, tail: (s: EditScript) => void): Change => ({
  map: [span(frame)],
  script: (s) => {
    storeMiddle(s, s.newUpdate(), large(frame));
    tail(s);
  },
});
const drained = (s: EditScript): void => {
  invalidate(s, "leaf");
  s.wait(true);
};

describe("devices against correct updates", () => {
  it("notice neither split nor merge of a kept superpage", async () => {
    const { seen, forbidden } = await race(largeMachine(), [split, merge], {}, course);
    expect(forbidden).toEqual([]);
    expect(seen["kept-served"]! + seen["both-sizes"]!).toBeGreaterThan(CHANGES);
    expect(seen["old-answer"]).toBe(0);
  });

  it("all get their turn when they are more than the CPUs, and notice nothing either", async () => {
    const config = { setsDirty: true };
    const changes = [split, merge];
    const { seen, forbidden } = await race(largeMachine(), changes, config, course, MOST_DEVICES);
    expect(forbidden).toEqual([]);
    expect(seen["kept-served"]! + seen["both-sizes"]!).toBeGreaterThan(MOST_DEVICES * CHANGES);
  });

  it("see the old frame or the new one while a superpage moves, and only the new one afterwards", async () => {
    const { seen, forbidden } = await race(
      largeMachine(),
      [moveTo(FRAME_B, drained), moveTo(FRAME_A, drained)],
      {},
      course,
    );
    expect(forbidden).toEqual([]);
    expect(seen["old-answer"]! + seen["old-after-new"]!).toBeGreaterThan(0);
    expect(seen["new-answer"]).toBeGreaterThan(0);
  });

  it("never read a torn entry from single stores, without any cache between", async () => {
    const tail = (s: EditScript): void => {
      for (let i = 0; i < 50; i++) storeMiddle(s, s.newUpdate(), large(i % 2 === 0 ? FRAME_A : FRAME_B));
      storeMiddle(s, s.newUpdate(), large(FRAME_B));
    };
    const back = moveTo(FRAME_A, () => {});
    const metOld: Until = (results) =>
      results.some(({ outcomes }) => outcomes["old-answer"] + outcomes["old-after-new"] > 0);
    const { forbidden, results } = await race(
      largeMachine(),
      [moveTo(FRAME_B, tail), back],
      BARE_DEVICE,
      metOld,
    );
    expect(forbidden).toEqual([]);
    expect(metOld(results)).toBe(true);
  });

  it("may fault in a declared window and nowhere else", async () => {
    const withWindow = (frame: Pfn): Change => ({
      map: [span(frame)],
      script: (s) => {
        s.window("open", DOMAIN, SPAN, 512);
        storeMiddle(s, s.newUpdate(), 0n);
        drained(s);
        storeMiddle(s, s.newUpdate(), large(frame));
        s.window("close", DOMAIN, SPAN, 512);
        drained(s);
      },
    });
    const { seen, forbidden } = await race(
      largeMachine(),
      [withWindow(FRAME_B), withWindow(FRAME_A)],
      {},
      course,
    );
    expect(forbidden).toEqual([]);
    expect(seen["declared-window"]).toBeGreaterThan(0);
  });
});

describe("devices against broken updates", () => {
  it("see V08 when stores are torn", async () => {
    const engine = largeMachine();
    engine.setTearStores(true);
    const { forbidden, results } = await race(engine, [moveTo(FRAME_B, drained), moveTo(FRAME_A, drained)]);
    expect(forbidden).toEqual(["V08"]);
    const sample = results.flatMap((r) => r.samples).find((s) => s.outcome === "V08")!;
    expect([FRAME_A >>> 20, FRAME_B >>> 20]).toContain(sample.pfn >>> 20);
    expect(sample.pfn).not.toBe(sample.oldAnswer!.pfn);
    expect(sample.pfn).not.toBe(sample.newAnswer!.pfn);
  });

  it("see V01 when an empty child is linked before it is filled", async () => {
    const linkFirst: Change = {
      ...split,
      script: (s) => {
        const update = s.newUpdate();
        s.push({ op: "fill", update, table: SPARE, index: 0, count: 512, first: 0n, stride: 0n });
        storeMiddle(s, update, link(SPARE));
        fillChild(s, update, SPARE, FRAME_A);
        invalidate(s, "nonLeaf");
        s.wait(true);
      },
    };
    const { forbidden } = await race(largeMachine(), [linkFirst, merge]);
    expect(forbidden).toEqual(["V01"]);
  });

  it("see V01b when a changed superpage is cleared before it is replaced", async () => {
    const gap = (frame: Pfn): Change =>
      moveTo(frame, (s) => {
        storeMiddle(s, s.newUpdate(), 0n);
        storeMiddle(s, s.newUpdate(), large(frame));
        drained(s);
      });
    const { forbidden } = await race(largeMachine(), [gap(FRAME_B), gap(FRAME_A)]);
    expect(forbidden).toEqual(["V01b"]);
  });

  it("see V02 when the children of a split are one page off", async () => {
    const shifted: Change = {
      ...split,
      script: (s) => {
        const update = s.newUpdate();
        fillChild(s, update, SPARE, pfn(FRAME_A + 1));
        storeMiddle(s, update, link(SPARE));
        invalidate(s, "nonLeaf");
        s.wait(true);
      },
    };
    expect((await race(largeMachine(), [shifted, merge])).forbidden).toEqual(["V02"]);
  });

  it("see V03 when a split opens rights", async () => {
    const engine = largeMachine();
    const script = new EditScript();
    storeMiddle(script, 1, large(FRAME_A, READ));
    engine.execute(script.words);
    publishMap(engine, 0, [span(FRAME_A, READ)]);
    const opened: Change = { ...split, map: [span(FRAME_A, READ)] };
    const closed: Change = {
      map: [span(FRAME_A, READ)],
      script: (s) => {
        storeMiddle(s, s.newUpdate(), large(FRAME_A, READ));
        invalidate(s, "nonLeaf");
        s.wait(true);
        s.freeTable(SPARE);
      },
    };
    expect((await race(engine, [opened, closed])).forbidden).toEqual(["V03"]);
  });

  it.each([
    ["the invalidation is missing", (s: EditScript) => s.wait(true)],
    [
      "the invalidation covers less than the old leaf",
      (s: EditScript) => {
        s.invalidate(DOMAIN, "leaf", CACHES_ALL, SPAN, 511);
        s.wait(true);
      },
    ],
    [
      "the invalidation carries another domain's tag",
      (s: EditScript) => {
        s.invalidate(DOMAIN + 1, "leaf", CACHES_ALL, SPAN, 512);
        s.wait(true);
      },
    ],
    [
      "the device's own cache is left out",
      (s: EditScript) => {
        s.invalidate(DOMAIN, "leaf", CACHES_ALL & ~4, SPAN, 512);
        s.wait(true);
      },
    ],
  ])("see V04 when %s", async (_, tail) => {
    const { forbidden } = await race(largeMachine(), [moveTo(FRAME_B, tail), moveTo(FRAME_A, tail)], {
      hold: 0,
    });
    expect(forbidden).toEqual(["V04"]);
  });

  it("see V04 when nobody waits for the invalidation", async () => {
    const posted = (s: EditScript): void => invalidate(s, "leaf");
    /* Devices that pause long keep using what they have cached after the call returned. */
    const config = { hold: 0, pause: { oneIn: 4, maxSpins: 20_000 } };
    const engine = largeMachine();
    engine.setPerturbation(null);
    const { forbidden } = await race(engine, [moveTo(FRAME_B, posted), moveTo(FRAME_A, posted)], config);
    expect(forbidden).toEqual(["V04"]);
  });

  it("see V05 when faults are cached and a new mapping is not invalidated", async () => {
    const engine = largeMachine();
    const unmap: Change = {
      map: [],
      script: (s) => {
        storeMiddle(s, s.newUpdate(), 0n);
        drained(s);
      },
    };
    const { forbidden } = await race(engine, [unmap, moveTo(FRAME_A, (s) => s.wait(true))], {
      cachesNotPresent: true,
    });
    expect(forbidden).toEqual(["V05"]);
  });

  it.each([
    [
      "frames are unpinned before the invalidation completes",
      (s: EditScript, old: Pfn) => {
        s.unpin(old, 512);
        drained(s);
      },
    ],
    [
      "the wait does not drain",
      (s: EditScript, old: Pfn) => {
        invalidate(s, "leaf");
        s.wait(false);
        s.unpin(old, 512);
      },
    ],
  ])("see V06 when %s", async (_, tail) => {
    const engine = largeMachine();
    engine.unpinFrames(FRAME_B, 512);
    const move = (to: Pfn, from: Pfn): Change => ({
      ...moveTo(to, (s) => tail(s, from)),
      before: () => engine.pinFrames(to, 512),
    });
    const { forbidden } = await race(engine, [move(FRAME_B, FRAME_A), move(FRAME_A, FRAME_B)], { hold: 0.3 });
    expect(forbidden).toEqual(["V06"]);
  });

  it.each([
    [
      "a table is freed before the invalidation completes",
      (s: EditScript) => {
        s.freeTable(SPARE);
        invalidate(s, "nonLeaf");
        s.wait(true);
      },
    ],
    [
      "cached table pointers are left alone",
      (s: EditScript) => {
        invalidate(s, "leaf");
        s.wait(true);
        s.freeTable(SPARE);
      },
    ],
  ])("see V07 when %s", async (_, tail) => {
    const early: Change = {
      map: [span(FRAME_A)],
      script: (s) => {
        storeMiddle(s, s.newUpdate(), large(FRAME_A));
        tail(s);
      },
    };
    const { forbidden } = await race(largeMachine(), [split, early]);
    expect(forbidden).toEqual(["V07"]);
  });
});

describe("the device pool", () => {
  it("reports a thread that fails instead of swallowing it", async () => {
    const engine = largeMachine();
    const foreign = Object.create(engine, { module: { value: "no module" } }) as Engine;
    pool = new DevicePool(foreign, [BARE_DEVICE]);
    await expect(pool.start()).rejects.toThrow();
  });

  it("refuses to wait for devices that do not run", () => {
    const engine = largeMachine();
    pool = new DevicePool(engine, [BARE_DEVICE]);
    expect(() => pool!.awaitProgress(1)).toThrow(/not running/);
  });

  it("starts again after a stop with fresh counters", async () => {
    const engine = largeMachine();
    pool = new DevicePool(engine, [BARE_DEVICE]);
    for (let round = 0; round < 3; round++) {
      await pool.start();
      pool.awaitProgress(1000);
      const [result] = await pool.stop();
      expect(result!.outcomes.served).toBe(result!.accesses);
      expect(result!.accesses).toBeGreaterThanOrEqual(1000);
    }
  });
});
