import { describe, expect, it } from "vitest";
import { check, inputOf } from "../../src/check/index.ts";
import { MUTANTS } from "../../src/check/mutants/index.ts";
import { parseScript, printScript } from "../../src/edit-script/index.ts";
import {
  type CheckCase,
  decideChanges,
  scriptFileOf,
  shrinkMaps,
  shrinkScript,
} from "../../src/harness/index.ts";
import { loadInput, type MapSequence, mappedPages, SCENARIOS, STRATEGIES } from "../../src/vmm/index.ts";

const BUDGET = { timeMs: 60_000, trials: 400 };
const boot = loadInput(new URL("../../data/qemu/pc-seabios-boot", import.meta.url).pathname);
const size = (s: MapSequence): { maps: number; regions: number; pages: number } => ({
  maps: s.steps.length,
  regions: s.steps.reduce((n, { map }) => n + map.regions.length, 0),
  pages: s.steps.reduce((n, { map }) => n + mappedPages(map), 0),
});
const caseOf = (sequence: MapSequence, mutant: string | null): CheckCase => ({
  sequence,
  format: "vtd-ss-48",
  seed: 1,
  backing: "thp",
  mutant: mutant === null ? null : MUTANTS.get(mutant)!,
});
const lastClasses = (how: CheckCase, strategy: string): string[] => {
  const only = how.sequence.steps.length === 1 ? 0 : how.sequence.steps.length - 1;
  for (const change of decideChanges(how, STRATEGIES.get(strategy)!, ["weak"], { only }))
    return change.findings.map((f) => f.class);
  return [];
};

describe("shrinking maps", () => {
  it("leaves two maps of a few pages of what legacy does to a boot, with the same class", () => {
    const how = caseOf(boot, null);
    const { sequence, trials } = shrinkMaps(
      how,
      STRATEGIES.get("legacy")!,
      "weak",
      { step: 12, class: "V01" },
      BUDGET,
    );
    expect(trials).toBeLessThan(BUDGET.trials);
    const small = size(sequence);
    expect(small.maps).toBe(2);
    expect(small.regions).toBeLessThanOrEqual(3);
    expect(small.pages).toBeLessThanOrEqual(32);
    expect(lastClasses({ ...how, sequence }, "legacy")).toContain("V01");
  });

  it("keeps the class of a planted mutant and gives the same case each time", () => {
    const { sequence } = SCENARIOS.get("split-rejoin")!;
    const how = caseOf(sequence, "M01");
    const shrink = (): MapSequence =>
      shrinkMaps(how, STRATEGIES.get("set-map")!, "weak", { step: 1, class: "V01" }, BUDGET).sequence;
    const first = shrink();
    expect(size(first).pages).toBeLessThan(size(sequence).pages / 10);
    expect(size(first).maps).toBe(2);
    expect(lastClasses({ ...how, sequence: first }, "set-map")).toEqual(["V01"]);
    expect(shrink().steps.map((s) => s.map)).toEqual(first.steps.map((s) => s.map));
  });

  it("gives back what it was given when it may try nothing", () => {
    const { sequence } = SCENARIOS.get("split-rejoin")!;
    const budget = { timeMs: 1000, trials: 0 };
    const shrunk = shrinkMaps(
      caseOf(sequence, "M01"),
      STRATEGIES.get("set-map")!,
      "weak",
      { step: 1, class: "V01" },
      budget,
    );
    expect(shrunk.sequence.steps).toEqual(sequence.steps.slice(0, 2));
    expect(shrunk.trials).toBe(0);
  });
});

describe("shrinking an edit script", () => {
  const [planted] = decideChanges(
    caseOf(SCENARIOS.get("split-rejoin")!.sequence, "M18"),
    STRATEGIES.get("set-map")!,
    ["weak"],
    { only: 1 },
  );
  const file = scriptFileOf(planted!);

  it("has a script that shows the mutant's class, and reads back from its text", () => {
    expect(planted!.findings.map((f) => f.class)).toEqual(["V06"]);
    const again = parseScript(printScript(file));
    const findings = check(inputOf(again), { mode: "weak" }).findings;
    expect(findings.map((f) => [f.class, f.pages])).toEqual(planted!.findings.map((f) => [f.class, f.pages]));
  });

  it("says less of tables and maps for the same class and cause, and brings in no other class", () => {
    const shrunk = shrinkScript(file, "V06", { mode: "weak" }, BUDGET);
    expect(shrunk.file.script.steps).toBeLessThanOrEqual(file.script.steps);
    expect(shrunk.file.tables.length).toBeLessThan(file.tables.length);
    expect(shrunk.file.oldMap.length + shrunk.file.newMap.length).toBeLessThan(
      file.oldMap.length + file.newMap.length,
    );
    const found = check(inputOf(parseScript(printScript(shrunk.file))), { mode: "weak" }).findings;
    expect(found.map((f) => `${f.class} ${f.cause}`)).toEqual(
      planted!.findings.map((f) => `${f.class} ${f.cause}`),
    );
  });

  it("leaves the steps of one page of a recording that goes page by page, after a few trials", () => {
    const pages = 400;
    const hex = (n: number): string => `0x${n.toString(16)}`;
    const lines = ["hitless-edit-script 1 vtd-ss-39", "domain 1 root=0x100000000", "map new none"];
    lines.push("table 0x100000000[0] = 0x100001003", "table 0x100001000[0] = 0x100002003");
    const steps: string[] = [];
    for (let i = 0; i < pages; i++) {
      const frame = hex(0x1000000000 + ((i * 37) % 512) * 4096);
      lines.push(`table 0x100002000[${i}] = ${frame.slice(0, -3)}003`);
      lines.push(`map old iova=${hex(i * 4096)} size=4K frame=${frame}`);
      steps.push(`store 0x100002000[${i}] = 0`, "barrier");
      if (i !== 250) steps.push(`invalidate iova=${hex(i * 4096)} size=4K`);
      steps.push("wait drain", `unpin ${frame} size=4K`);
    }
    const shrunk = shrinkScript(
      parseScript([...lines, ...steps].join("\n")),
      "V06",
      { mode: "weak" },
      BUDGET,
    );
    expect([...shrunk.file.script].map(({ op }) => op)).toEqual(["store", "unpin"]);
    expect(shrunk.file.oldMap.map(({ iovaPfn, pages: own }) => [iovaPfn, own])).toEqual([[250, 1]]);
    expect(shrunk.file.tables.length).toBe(3);
    expect(shrunk.trials).toBeLessThan(60);
    const found = check(inputOf(parseScript(printScript(shrunk.file))), { mode: "weak" }).findings;
    expect(found.map((f) => `${f.class} ${f.cause}`)).toEqual(["V06 missing-inv"]);
  });
});
