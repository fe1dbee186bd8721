import { describe, expect, it } from "vitest";
import {
  BARE_DEVICE,
  beginChange,
  cancelChange,
  configureDevice,
  type DeviceConfig,
  endChange,
  type OracleRegion,
  type OutcomeId,
  publishMap,
  publishPattern,
  readEpoch,
  readResult,
  runAlone,
} from "../../src/device/index.ts";
import { EditScript } from "../../src/edit-script/index.ts";
import { type Engine, EngineBug } from "../../src/engine/index.ts";
import { iovaPfn, pfn, READ, WRITE } from "../../src/units/index.ts";
import {
  DOMAIN,
  FRAME_A,
  FRAME_B,
  LOW,
  large,
  link,
  MIDDLE,
  machine,
  PAGE,
  put,
  READ_WRITE,
  SPARE,
  small,
} from "./bench-tables.ts";

const ACCESSES = 200;
const page = (frame: number, rights = READ_WRITE): OracleRegion => ({
  iovaPfn: PAGE,
  pages: 1,
  rights,
  frames: { base: pfn(frame) },
});

/** Publishes map 0, 1, … and stands in change 0→1 (`changing`) or after all of them. */
function inForce(engine: Engine, maps: readonly OracleRegion[][], changing: boolean): void {
  maps.forEach((regions, version) => {
    publishMap(engine, version, regions);
  });
  for (let version = 1; version < maps.length; version++) {
    beginChange(engine);
    if (!(changing && version === maps.length - 1)) endChange(engine);
  }
}

function outcomes(engine: Engine, config: Partial<DeviceConfig> = {}): Partial<Record<OutcomeId, number>> {
  publishPattern(engine, [{ iovaPfn: PAGE, pages: 1, weight: 1 }]);
  configureDevice(engine, 0, { ...BARE_DEVICE, ...config });
  runAlone(engine, 0, ACCESSES);
  const result = readResult(engine, 0);
  expect(result.accesses).toBe(ACCESSES);
  return Object.fromEntries(Object.entries(result.outcomes).filter(([, count]) => count > 0));
}

describe("judging while no change is under way", () => {
  it("serves what the map names and refuses what it does not", () => {
    const engine = machine();
    publishMap(engine, 0, [page(FRAME_A)]);
    put(engine, LOW, PAGE, small(FRAME_A));
    expect(outcomes(engine)).toEqual({ served: ACCESSES });
    publishMap(engine, 0, []);
    put(engine, LOW, PAGE, 0n);
    expect(outcomes(engine)).toEqual({ refused: ACCESSES });
  });

  it("refuses writes to a read-only page as the map says", () => {
    const engine = machine();
    publishMap(engine, 0, [page(FRAME_A, READ)]);
    put(engine, LOW, PAGE, small(FRAME_A, READ));
    const seen = outcomes(engine, { writes: 0.5 });
    expect(Object.keys(seen).sort()).toEqual(["refused", "served"]);
    expect(outcomes(engine, { writes: 1 })).toEqual({ refused: ACCESSES });
  });

  it.each<[string, OutcomeId, bigint, OracleRegion[][]]>([
    ["a missing translation", "V05", 0n, [[], [page(FRAME_A)]]],
    ["fewer rights than the map gives", "V05", small(FRAME_A, READ), [[], [page(FRAME_A)]]],
    ["the old frame", "V04", small(FRAME_A), [[page(FRAME_A)], [page(FRAME_B)]]],
    ["a mapping that was removed", "V04", small(FRAME_A), [[page(FRAME_A)], []]],
    ["a right that was dropped", "V04", small(FRAME_A), [[page(FRAME_A)], [page(FRAME_A, READ)]]],
    [
      "a right that was added but is not there",
      "V04",
      small(FRAME_A, READ),
      [[page(FRAME_A, READ)], [page(FRAME_A)]],
    ],
    ["an answer of the map before the last", "V04", small(FRAME_A), [[page(FRAME_A)], [], []]],
    ["a right that no map ever gave", "V03", small(FRAME_A), [[page(FRAME_A, READ)], [page(FRAME_A, READ)]]],
    ["a frame that no map names", "V02", small(FRAME_A + 1), [[page(FRAME_A)], [page(FRAME_B)]]],
  ])("calls %s %s", (_, outcome, entry, maps) => {
    const engine = machine();
    inForce(engine, maps, false);
    put(engine, LOW, PAGE, entry);
    expect(outcomes(engine)).toEqual({ [outcome]: ACCESSES });
  });

  it("calls an access to a frame without pins V06, whatever the map says", () => {
    const engine = machine();
    publishMap(engine, 0, [page(FRAME_A)]);
    put(engine, LOW, PAGE, small(FRAME_A));
    engine.unpinFrames(FRAME_A, 1);
    expect(outcomes(engine)).toEqual({ V06: ACCESSES });
  });

  it("finds a blocked device and a page beyond the input range in agreement with an empty map", () => {
    const engine = machine();
    publishMap(engine, 0, []);
    put(engine, LOW, PAGE, small(FRAME_A));
    engine.setContext(0, null);
    expect(outcomes(engine)).toEqual({ refused: ACCESSES });
    engine.setContext(0, { domain: DOMAIN, root: MIDDLE, levels: 1 });
    publishPattern(engine, [{ iovaPfn: iovaPfn(2 ** 40), pages: 2 ** 40, weight: 1 }]);
    runAlone(engine, 0, ACCESSES);
    expect(readResult(engine, 0).outcomes.refused).toBe(ACCESSES);
  });
});

describe("judging during a change", () => {
  it.each<[string, OutcomeId, bigint, OracleRegion[][]]>([
    ["a kept page", "kept-served", small(FRAME_A), [[page(FRAME_A)], [page(FRAME_A)]]],
    ["an unmapped page", "kept-refused", 0n, [[], []]],
    ["the old answer", "old-answer", small(FRAME_A), [[page(FRAME_A)], [page(FRAME_B)]]],
    ["the new answer", "new-answer", small(FRAME_B), [[page(FRAME_A)], [page(FRAME_B)]]],
    ["a removed page that is gone", "new-answer", 0n, [[page(FRAME_A)], []]],
    ["an added page that is not there yet", "old-answer", 0n, [[], [page(FRAME_A)]]],
    ["a fault on a kept page", "V01", 0n, [[page(FRAME_A)], [page(FRAME_A)]]],
    ["lost rights on a kept page", "V01", small(FRAME_A, READ), [[page(FRAME_A)], [page(FRAME_A)]]],
    ["a fault between two answers", "V01b", 0n, [[page(FRAME_A)], [page(FRAME_B)]]],
    ["a foreign frame", "V02", small(FRAME_A + 1), [[page(FRAME_A)], [page(FRAME_B)]]],
    ["the new frame with the old rights", "V03", small(FRAME_B), [[page(FRAME_A)], [page(FRAME_B, READ)]]],
    [
      "the answer of an earlier map",
      "V04",
      small(FRAME_A),
      [[page(FRAME_A)], [page(FRAME_B)], [page(FRAME_B)]],
    ],
    [
      "rights that the map before the change gave",
      "V04",
      small(FRAME_A),
      [[page(FRAME_A)], [page(FRAME_A, READ)], [page(FRAME_A, READ)]],
    ],
    [
      "those rights where the page moves",
      "V04",
      small(FRAME_A),
      [[page(FRAME_A)], [page(FRAME_A, READ)], [page(FRAME_B)]],
    ],
    [
      "the lesser rights of the map before the change",
      "V04",
      small(FRAME_A, READ),
      [[page(FRAME_A, READ)], [page(FRAME_A)], [page(FRAME_A)]],
    ],
    [
      "more rights than the map before the change gave",
      "V03",
      small(FRAME_A),
      [[page(FRAME_A, WRITE)], [page(FRAME_A, READ)], [page(FRAME_A, READ)]],
    ],
    [
      "a fault, where the map before the change had nothing,",
      "V01",
      0n,
      [[], [page(FRAME_A)], [page(FRAME_A)]],
    ],
  ])("calls %s %s", (_, outcome, entry, maps) => {
    const engine = machine();
    inForce(engine, maps, true);
    put(engine, LOW, PAGE, entry);
    expect(outcomes(engine)).toEqual({ [outcome]: ACCESSES });
  });

  it.each([
    [
      "the old low half and the new high half",
      (small(FRAME_A) & 0xffff_ffffn) | (small(FRAME_B) & ~0xffff_ffffn),
    ],
    [
      "the new low half and the old high half",
      (small(FRAME_B) & 0xffff_ffffn) | (small(FRAME_A) & ~0xffff_ffffn),
    ],
  ])("calls an entry of %s V08", (_, entry) => {
    const engine = machine();
    inForce(engine, [[page(FRAME_A)], [page(FRAME_B)]], true);
    put(engine, LOW, PAGE, entry);
    expect(outcomes(engine)).toEqual({ V08: ACCESSES });
  });

  it("calls half a link and half a superpage V08, in both orders", () => {
    const span: OracleRegion = {
      iovaPfn: iovaPfn(0),
      pages: 512,
      rights: READ_WRITE,
      frames: { base: FRAME_A },
    };
    for (const [low, high] of [
      [link(SPARE), large(FRAME_A)],
      [large(FRAME_A), link(SPARE)],
    ] as const) {
      const engine = machine();
      inForce(engine, [[span], [span]], true);
      put(engine, MIDDLE, 0, (low & 0xffff_ffffn) | (high & ~0xffff_ffffn));
      expect(outcomes(engine)).toEqual({ V08: ACCESSES });
    }
  });

  it("lets a freed table explain whatever was seen through it", () => {
    const engine = machine();
    inForce(engine, [[page(FRAME_A)], [page(FRAME_A)]], true);
    const script = new EditScript();
    script.freeTable(LOW);
    engine.execute(script.words);
    expect(outcomes(engine)).toEqual({ V07: ACCESSES });
  });

  it("accepts a fault inside a declared window only while the window is open", () => {
    const engine = machine();
    inForce(engine, [[page(FRAME_A)], [page(FRAME_B)]], true);
    const window = (state: "open" | "close", start: number, pages: number): void => {
      const script = new EditScript();
      script.window(state, DOMAIN, iovaPfn(start), pages);
      engine.execute(script.words);
    };
    window("open", PAGE + 1, 100);
    expect(outcomes(engine)).toEqual({ V01b: ACCESSES });
    window("open", PAGE, 1);
    expect(outcomes(engine)).toEqual({ "declared-window": ACCESSES });
    window("close", PAGE, 1);
    expect(outcomes(engine)).toEqual({ V01b: ACCESSES });
  });

  it("does not judge what it holds no map for", () => {
    const engine = machine();
    expect(outcomes(engine)).toEqual({ unjudged: ACCESSES });
  });

  it("samples a violation with everything a report needs", () => {
    const engine = machine();
    inForce(engine, [[page(FRAME_A)], [page(FRAME_A)]], true);
    outcomes(engine);
    const { samples } = readResult(engine, 0);
    expect(samples).toHaveLength(4);
    expect(samples[0]).toEqual({
      outcome: "V01",
      device: 0,
      access: 0,
      iovaPfn: PAGE,
      write: samples[0]!.write,
      state: "not-present",
      source: "walk",
      pfn: 0,
      rights: 0,
      level: 0,
      entry: 0n,
      pinned: true,
      epochBefore: 1,
      epochAfter: 1,
      oldAnswer: { pfn: FRAME_A, rights: READ_WRITE },
      newAnswer: { pfn: FRAME_A, rights: READ_WRITE },
    });
    expect(samples.map((s) => s.access)).toEqual([0, 1, 2, ACCESSES - 1]);
  });
});

describe("publishing", () => {
  it("answers from frame lists of 4 KiB and of 2 MiB frames", () => {
    const engine = machine();
    const list = Uint32Array.of(FRAME_B, FRAME_A, FRAME_B + 1);
    publishMap(engine, 0, [{ iovaPfn: PAGE, pages: 2, rights: READ_WRITE, frames: { list, first: 1 } }]);
    put(engine, LOW, PAGE, small(FRAME_A));
    expect(outcomes(engine)).toEqual({ served: ACCESSES });
    const chunks = Uint32Array.of(FRAME_B, FRAME_A);
    publishMap(engine, 0, [
      { iovaPfn: PAGE, pages: 1, rights: READ_WRITE, frames: { list: chunks, first: 512 + 9, lg2: 9 } },
    ]);
    put(engine, LOW, PAGE, small(FRAME_A + 9));
    expect(outcomes(engine)).toEqual({ served: ACCESSES });
  });

  it("finds a page among many regions", () => {
    const engine = machine();
    const many = Array.from({ length: 1000 }, (_, i) => ({
      iovaPfn: iovaPfn(PAGE + 3 * (i - 500) + 3000),
      pages: 1,
      rights: READ_WRITE,
      frames: { base: FRAME_B },
    }));
    publishMap(engine, 0, [...many, page(FRAME_A)]);
    put(engine, LOW, PAGE, small(FRAME_A));
    expect(outcomes(engine)).toEqual({ served: ACCESSES });
  });

  it("refuses overlapping regions and short lists, and keeps nothing of them", () => {
    const engine = machine();
    put(engine, LOW, PAGE, small(FRAME_A));
    expect(() => publishMap(engine, 0, [page(FRAME_A), page(FRAME_B)])).toThrow(/overlap/);
    const short = { list: Uint32Array.of(1), first: 0 };
    expect(() => publishMap(engine, 0, [{ iovaPfn: PAGE, pages: 2, rights: 3, frames: short }])).toThrow(
      /ends before/,
    );
    expect(outcomes(engine)).toEqual({ unjudged: ACCESSES });
  });

  it("recycles versions and shared lists without running out of room", () => {
    const engine = machine();
    const list = new Uint32Array(1 << 20).fill(FRAME_A);
    for (let version = 0; version < 200; version++) {
      const own = version % 3 === 0 ? new Uint32Array(1 << 20).fill(FRAME_A) : list;
      publishMap(engine, version, [
        { iovaPfn: iovaPfn(0), pages: 1 << 20, rights: 3, frames: { list: own, first: 0 } },
      ]);
    }
    put(engine, LOW, PAGE, small(FRAME_A));
    for (let change = 0; change < 199; change++) {
      beginChange(engine);
      endChange(engine);
    }
    expect(readEpoch(engine)).toBe(398);
    expect(outcomes(engine)).toEqual({ served: ACCESSES });
  });

  it("keeps the order of changes", () => {
    const engine = machine();
    expect(() => endChange(engine)).toThrow(EngineBug);
    beginChange(engine);
    expect(() => beginChange(engine)).toThrow(EngineBug);
    cancelChange(engine);
    expect(readEpoch(engine)).toBe(0);
    expect(() => cancelChange(engine)).toThrow(EngineBug);
  });
});
