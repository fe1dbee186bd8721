import { describe, expect, it } from "vitest";
import {
  type CheckInput,
  check,
  FrameSet,
  oneRange,
  RangeList,
  type ReaderInput,
} from "../../src/check/index.ts";
import { EditScript, type MapRun, type PinRun } from "../../src/edit-script/index.ts";
import { type CheckCase, decideChanges } from "../../src/harness/index.ts";
import { pfn } from "../../src/units/index.ts";
import { type MapRegion, makeMemoryMap, SCENARIOS, STRATEGIES } from "../../src/vmm/index.ts";

const asPins = (runs: readonly MapRun[]): PinRun[] =>
  runs.map(({ pfn, pages }) => ({ pfn, pages, count: 1 }));

/** The same input with everything listed. */
function listed({ maps, pinsTaken, ...rest }: ReaderInput): CheckInput {
  const everything = oneRange(0, maps.end);
  const oldMap = [...maps.runs("old", everything)];
  const newMap = [...maps.runs("new", everything)];
  return { ...rest, oldMap, newMap, pins: pinsTaken ? [...asPins(oldMap), ...pinsTaken.pins()] : null };
}

const BASE = 2 ** 20;
const part = (start: number, end: number, by = 0, rights: 1 | 3 = 3): MapRegion =>
  ({
    iovaPfn: BASE + start,
    pages: end - start,
    backing: "ram",
    offsetPages: start + by,
    rights,
  }) as MapRegion;
/** Memory that shows up twice, loses rights, moves and goes, on frames that are all over the place. */
const MAPS: readonly (readonly MapRegion[])[] = [
  [part(0, 700), part(1000, 1150, -1000)],
  [part(0, 200), part(200, 210, 0, 1), part(210, 700), part(1000, 1150, -1000)],
  [part(0, 200), part(200, 210, 0, 1), part(210, 700), part(1000, 1090, -700)],
  [part(0, 600), part(1000, 1090, -1000)],
  [part(1000, 1090, -1000)],
];
const sequence = {
  name: "aliases",
  source: "aliases",
  steps: MAPS.map((regions, i) => ({
    label: `map ${i}`,
    map: makeMemoryMap(regions),
    origin: { file: "aliases", line: i + 1 },
    skipped: [],
  })),
  notes: [],
};
const inputs: [string, CheckCase["sequence"], CheckCase["backing"]][] = [
  ["aliases on scattered frames", sequence, "fragmented"],
  ...[...SCENARIOS.values()].map((s): [string, CheckCase["sequence"], CheckCase["backing"]] => [
    s.name,
    s.sequence,
    s.backing,
  ]),
];

describe("the guest's maps, read in parts", () => {
  it.each(inputs)("decide what whole lists decide, wrong unpins included: %s", (_, maps, backing) => {
    const how: CheckCase = { sequence: maps, format: "vtd-ss-48", seed: 1, backing, mutant: null };
    const classes = new Set<string>();
    let changes = 0;
    for (const strategy of ["set-map", "legacy"])
      for (const { input } of decideChanges(how, STRATEGIES.get(strategy)!, ["weak"], {
        cyclic: true,
        causes: false,
      })) {
        if (!("maps" in input)) throw new Error("the change was decided from lists");
        changes++;
        const whole = listed(input);
        const options = { causes: false };
        expect(check(input, options)).toEqual(check(whole, options));
        // A frame of the middle of the map, whatever the change was about.
        const run = whole.oldMap[whole.oldMap.length >> 1];
        if (run === undefined) continue;
        const frame = pfn(run.pfn + (run.pages >> 1));
        const script = EditScript.from([...input.script, { op: "unpin", pfn: frame, pages: 1 }]);
        const broken = check({ ...input, script }, options);
        expect(broken).toEqual(check({ ...whole, script }, options));
        for (const f of broken.findings) classes.add(f.class);
      }
    expect(changes).toBeGreaterThan(1);
    expect(classes).toContain("V12");
  });

  it("name every page that leads to a frame, in either map, whether the change touches it or not", () => {
    const how: CheckCase = { sequence, format: "vtd-ss-48", seed: 1, backing: "fragmented", mutant: null };
    for (const { input } of decideChanges(how, STRATEGIES.get("set-map")!, ["weak"], { causes: false })) {
      if (!("maps" in input)) throw new Error("the change was decided from lists");
      const { oldMap, newMap } = listed(input);
      for (const asked of [0, 100, 205, 650]) {
        const run = oldMap.find((r) => r.iovaPfn <= BASE + asked && BASE + asked < r.iovaPfn + r.pages);
        if (run === undefined) continue;
        const frame = run.pfn + BASE + asked - run.iovaPfn;
        const expected = new RangeList();
        for (const map of [oldMap, newMap])
          for (const r of map)
            if (r.pfn <= frame && frame < r.pfn + r.pages)
              expected.push(r.iovaPfn + frame - r.pfn, r.iovaPfn + frame - r.pfn + 1);
        const pages = input.maps.pagesOn(FrameSet.of(oneRange(frame, frame + 1)));
        expect({ ...pages }).toEqual({ ...expected.union() });
      }
    }
  });
});
