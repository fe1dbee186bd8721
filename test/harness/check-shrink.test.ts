import { describe, expect, it } from "vitest";
import { check, inputOf } from "../../src/check/index.ts";
import { MUTANTS } from "../../src/check/mutants/index.ts";
import { parseScript, printScript } from "../../src/edit-script/index.ts";
import { joinedSteps, joinedTables, ownedSteps } from "../../src/harness/check/script-parts.ts";
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

describe("what is left of an edit script that is made smaller", () => {
  const HEAD = `hitless-edit-script 1 vtd-ss-39
domain 1 root=0x100000000
table 0x100000000[0] = 0x100001003
`;
  const left = (text: string, kind: string) => {
    const { file } = shrinkScript(parseScript(HEAD + text), kind, { mode: "weak" }, BUDGET);
    const printed = printScript(file);
    const { findings, mismatch } = check(inputOf(parseScript(printed)), { mode: "weak" });
    expect(mismatch).toBeNull();
    const lines = printed
      .trim()
      .split("\n")
      .map((line) => line.replace(/ count=1 stride=0x\w+| u=\d+| rights=rw/g, ""));
    return { lines: lines.slice(3), found: findings.map((f) => `${f.class} ${f.cause} ${f.met}`) };
  };

  it("has tables that say what its old map says", () => {
    const steps = [40, 21, 7].map(
      (page) => `store 0x100002000[${page}] = 0
barrier
invalidate iova=${page * 4096} size=4K
wait drain
store 0x100002000[${page}] = 0x${(0x1000000003 + page * 4096).toString(16)}
barrier`,
    );
    const map = "iova=0 size=0x200000 frame=0x1000000000";
    const text = `table 0x100001000[0] = 0x100002003
table 0x100002000[0] = 0x1000000003 count=512 stride=0x1000
map old ${map}
map new ${map}
${steps.join("\n")}`;
    expect(left(text, "V01").lines).toEqual([
      "table 0x100001000[0] = 0x0000000100002003",
      "table 0x100002000[7] = 0x0000001000007003",
      "map old iova=0x7000 size=0x1000 frame=0x1000007000",
      "map new iova=0x7000 size=0x1000 frame=0x1000007000",
      "store 0x100002000[7] = 0x0000000000000000",
    ]);
  });

  it("loses a table that the whole script loses", () => {
    const text = `table 0x100001000[0] = 0x100002003 count=4 stride=0x1000
table 0x100002000[0] = 0x1000000003 count=512 stride=0x1000
map old iova=0 size=0x200000 frame=0x1000000000
map new none
store 0x100000000[0] = 0
barrier
invalidate iova=0 size=0x40000000
wait drain
freeTable 0x100001000
unpin 0x1000000000 size=0x200000`;
    const { lines, found } = left(text, "V12");
    expect(lines).toContain("freeTable 0x100001000");
    expect(lines.length).toBeLessThan(10);
    expect(found).toEqual(["V12 leak table 0x100002000 is neither reachable nor freed"]);
  });

  it("has one page of small leaves beside the large one that takes their place", () => {
    const text = `table 0x100001000[0] = 0x100002003
table 0x100002000[0] = 0x1000000003 count=512 stride=0x1000
map old iova=0 size=0x200000 frame=0x1000000000
map new iova=0 size=0x200000 frame=0x2000000000
window open iova=0 size=0x200000
store 0x100001000[0] = 0
barrier
invalidate iova=0 size=0x200000
store 0x100001000[0] = 0x2000000083
barrier
wait drain
window close iova=0 size=0x200000
freeTable 0x100002000
unpin 0x1000000000 size=0x200000`;
    const { lines, found } = left(text, "V09");
    expect(lines).toContain("table 0x100002000[0] = 0x0000001000000003");
    expect(lines).toContain("map new iova=0x0 size=0x200000 frame=0x2000000000");
    expect(lines.length).toBeLessThan(13);
    expect(found).toEqual(["V09 no-wait leaves of two sizes that do not agree"]);
  });

  it("is one page of a large leaf that is split into scattered small ones", () => {
    const fills = Array.from(
      { length: 512 },
      (_, i) =>
        `fill 0x100002000[${i}] = 0x${(0x1000003003 + ((i * 37) % 512) * 4096).toString(16)} count=1 stride=0`,
    );
    const map = "iova=0 size=0x200000 frame=0x1000000000";
    const text = `table 0x100001000[0] = 0x1000000083
map old ${map}
map new ${map}
${fills.join("\n")}
barrier
store 0x100001000[0] = 0x100002003
barrier
invalidate iova=0 size=0x200000
wait drain`;
    expect(left(text, "V02").lines).toEqual([
      "table 0x100001000[0] = 0x0000001000000083",
      "map old iova=0x0 size=0x200000 frame=0x1000000000",
      "map new iova=0x0 size=0x1000 frame=0x1000000000",
      "fill 0x100002000[0] = 0x0000001000003003",
      "barrier",
      "store 0x100001000[0] = 0x0000000100002003",
      "barrier",
      "invalidate domain=1 scope=nonLeaf caches=all iova=0x0 size=0x200000",
      "wait drain",
    ]);
  });

  it("has the neighbour without which the page that is missing would have no table", () => {
    const fills = Array.from({ length: 8 }, (_, i) => {
      const table = `0x${(0x100002000 + i * 4096).toString(16)}`;
      return `fill ${table}[0] = 0x${(0x1000000003 + i * 0x200000).toString(16)} count=511 stride=0x1000
fill 0x100001000[${i}] = ${table.slice(0, -3)}003 count=1 stride=0`;
    });
    const text = `map old none
map new iova=0 size=0x1000000 frame=0x1000000000
${fills.join("\n")}
barrier
store 0x100000000[0] = 0x100001003
barrier`;
    const { file } = shrinkScript(
      parseScript(HEAD.split("\n").slice(0, 2).join("\n") + `\n${text}`),
      "V05",
      { mode: "weak" },
      BUDGET,
    );
    expect(file.newMap.map(({ iovaPfn, pages }) => [iovaPfn, pages])).toEqual([[510, 2]]);
    expect([...file.script].map(({ op }) => op)).toEqual(["fill", "fill", "barrier", "store", "barrier"]);
  });

  it("can be read again: no window is closed that is not open", () => {
    const map = "iova=0 size=0x200000 frame=0x1000000000";
    const text = `table 0x100001000[0] = 0x100002003
table 0x100002000[0] = 0x1000000003 count=512 stride=0x1000
map old ${map}
map new ${map}
store 0x100001000[0] = 0
window open iova=0 size=0x200000
barrier
invalidate iova=0 size=0x200000
wait drain
store 0x100001000[0] = 0x1000000083
barrier
window close iova=0 size=0x200000
freeTable 0x100002000`;
    const { lines, found } = left(text, "V01");
    expect(found).toEqual(["V01 plan no translation"]);
    const windows = lines.filter((line) => line.startsWith("window"));
    if (windows.length > 0) expect(windows[0]).toMatch(/^window open/);
  });

  it("leaks the pin of a page that the whole script leaks a pin of", () => {
    const text = `table 0x100001000[0] = 0x100002003
table 0x100002000[0] = 0x1000000003 count=64 stride=0x1000
map old iova=0 size=0x40000 frame=0x1000000000
map new none
pins 0x1000000000 size=0x40000
storeRun 0x100002000[0] = 0 count=64 stride=0
barrier
invalidate iova=0 size=0x200000
wait drain
unpin 0x1000000000 size=0x20000
unpin 0x1000030000 size=0x10000`;
    const { lines, found } = left(text, "V12");
    expect(found).toEqual([
      "V12 leak frames 0x1000020000 to 0x1000021000 hold 1 pin for 0 pages of the new map",
    ]);
    expect(lines).toContain("map old iova=0x20000 size=0x1000 frame=0x1000020000");
    expect(lines.length).toBeLessThan(10);
  });
});

describe("the parts of an edit script", () => {
  it("are joined into runs of equal stride", () => {
    const text = `hitless-edit-script 1 vtd-ss-39
domain 1 root=0x100000000
table 0x100002000[5] = 0x1000005003
table 0x100002000[7] = 0x1000007003
table 0x100002000[6] = 0x1000006003
map new none
store 0x100002000[5] = 0
store 0x100002000[6] = 0
barrier
store 0x100002000[7] = 0
fill 0x100003000[0] = 0x1000000003 count=2 stride=0x1000
fill 0x100003000[2] = 0x1000002003 count=1 stride=0
fill 0x100003000[3] = 0x1000009003 count=1 stride=0`;
    const file = parseScript(text);
    const tables = joinedTables(file.tables);
    expect(tables.map(({ index, count, stride }) => [index, count, stride])).toEqual([[5, 3, 0x1000n]]);
    const steps = joinedSteps(ownedSteps(file)).map(({ step }) => step);
    expect(steps.map((step) => [step.op, "count" in step ? step.count : 1])).toEqual([
      ["storeRun", 2],
      ["barrier", 1],
      ["store", 1],
      ["fill", 3],
      ["fill", 1],
    ]);
  });
});
