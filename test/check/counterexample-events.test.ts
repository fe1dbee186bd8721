import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { check, inputOf } from "../../src/check/index.ts";
import { parseScript } from "../../src/edit-script/index.ts";
import { randomCase } from "./random-script.ts";

const BEFORE = `hitless-edit-script 1 vtd-ss-39
domain 1 root=0x100000000
table 0x100000000[0] = 0x100001003
`;
const shownBy = (text: string): string[] => {
  const { findings } = check(inputOf(parseScript(BEFORE + text)));
  return findings[0]!.events.map(({ who, step, text: line }) => `${who} ${step}: ${line}`);
};

/** A script of the corpus. */
const scriptOf = (name: string): string =>
  readFileSync(new URL(`../data/scripts/${name}.script`, import.meta.url), "utf8");

describe("the counterexample of two leaves that do not agree", () => {
  it("loads both of them and says how large each is", () => {
    const text = `table 0x100001000[0] = 0x1000000083
map old iova=0 size=0x200000 frame=0x1000000000
map new iova=0 size=0x5000 frame=0x1000000000
map new iova=0x5000 size=0x1000 frame=0x2000000000
map new iova=0x6000 size=0x1fa000 frame=0x1000006000
fill 0x100002000[0] = 0x1000000003 count=512 stride=0x1000
barrier
store 0x100001000[0] = 0x100002003
barrier
store 0x100002000[5] = 0x2000000003
barrier
invalidate iova=0 size=0x200000
wait drain
unpin 0x1000005000 size=0x1000`;
    expect(shownBy(text)).toEqual([
      "device 0: loads level 2 0x100000000[0]: 0x0000000100001003 (as before the script)",
      "device 0: loads level 1 0x100001000[0]: 0x0000001000000083 (as before the script)",
      "caches 0: IOTLB keeps the 2 MiB leaf at 0x1000000000",
      "device 0: begins another access",
      "device 0: loads level 2 0x100000000[0]: 0x0000000100001003 (as before the script)",
      "kernel 1: fill 0x100002000[0] = 0x0000001000000003 count=512 stride=0x1000",
      "kernel 2: barrier",
      "kernel 3: store 0x100001000[0] = 0x0000000100002003",
      "device 3: loads level 1 0x100001000[0]: 0x0000000100002003 (stored by step 3)",
      "kernel 4: barrier",
      "kernel 5: store 0x100002000[5] = 0x0000002000000003",
      "device 5: loads level 0 0x100002000[5]: 0x0000002000000003 (stored by step 5)",
      "caches 5: IOTLB keeps the 4 KiB leaf at 0x2000000000",
      "device 5: meets leaves of two sizes that do not agree, after step 5",
    ]);
  });

  it("has two leaves that differ, in random scripts too", () => {
    let shown = 0;
    for (let seed = 1; seed <= 1500; seed++)
      for (const { shows, events } of check(randomCase(seed).input, { causes: false }).findings) {
        if (shows !== "V09") continue;
        const kept = events.filter(({ text }) => text.includes("IOTLB keeps"));
        expect(
          new Set(kept.map(({ text }) => text.replace("another access: ", ""))).size,
          `seed ${seed}`,
        ).toBe(2);
        expect(events.at(-1)!.text, `seed ${seed}`).toMatch(/^meets /);
        shown++;
      }
    expect(shown).toBeGreaterThan(20);
  });
});

describe("a compare-exchange in a counterexample", () => {
  const exchange = (expected: string): string[] =>
    shownBy(`table 0x100001000[0] = 0x100002003
table 0x100002000[1] = 0x1000001003
map old iova=0x1000 size=0x1000 frame=0x1000001000
map new iova=0x1000 size=0x1000 frame=0x1000001000 rights=r
exchange 0x100002000[1] = 0x1000001001 expected=${expected}
barrier`).filter((line) => line.includes("exchange"));

  it("that loses says what it meets and that it stores nothing", () => {
    expect(exchange("0x1000002003")).toEqual([
      "kernel 1: exchange 0x100002000[1] = 0x0000001000001001 expected=0x0000001000002003: " +
        "meets 0x0000001000001003 and stores nothing",
    ]);
  });

  it("that stores is told as it stands in the script", () => {
    expect(exchange("0x1000001003")).toEqual([
      "kernel 1: exchange 0x100002000[1] = 0x0000001000001001 expected=0x0000001000001003",
    ]);
  });
});

describe("an invalidation that is to blame", () => {
  it("is shown where it does not reach the page of the counterexample", () => {
    const shown = shownBy(`table 0x100001000[0] = 0x100002003
table 0x100002000[2] = 0x1000002003 count=4 stride=0x1000
map old iova=0x2000 size=0x4000 frame=0x1000002000
map new none
storeRun 0x100002000[2] = 0 count=4 stride=0
barrier
invalidate iova=0x2000 size=0x3000
wait drain
unpin 0x1000002000 size=0x4000`);
    expect(shown.filter((line) => line.startsWith("kernel"))).toEqual([
      "kernel 1: storeRun 0x100002000[2] = 0x0000000000000000 count=4 stride=0x0",
      "kernel 2: barrier",
      "kernel 3: invalidate domain=1 scope=nonLeaf caches=all iova=0x2000 size=0x3000",
      "kernel 4: wait drain",
      "kernel 5: unpin 0x1000002000 size=0x4000",
    ]);
  });
});

describe("the walk of a counterexample", () => {
  it("comes by the entry that takes its rights away", () => {
    const map = "iova=0 size=0x2000 frame=0x1000000000";
    const shown = shownBy(`table 0x100001000[0] = 0x100002003
table 0x100002000[0] = 0x1000000003 count=2 stride=0x1000
map old ${map}
map new ${map}
store 0x100001000[0] = 0x100002001
barrier
store 0x100001000[0] = 0x100002003
barrier`);
    expect(shown).toEqual([
      "device 0: loads level 2 0x100000000[0]: 0x0000000100001003 (as before the script)",
      "kernel 1: store 0x100001000[0] = 0x0000000100002001",
      "device 1: loads level 1 0x100001000[0]: 0x0000000100002001 (stored by step 1)",
      "device 1: loads level 0 0x100002000[0]: 0x0000001000000003 (as before the script)",
      "caches 1: IOTLB keeps the leaf at 0x1000000000",
      "device 1: meets frame 0x1000000000 (read only), after step 1",
    ]);
  });
});

describe("the counterexample of a cached context entry", () => {
  it("shows one that says other than the last, not one that says the same", () => {
    const { findings } = check(inputOf(parseScript(scriptOf("faults/root-grown-and-shrunk"))));
    const events = findings[0]!.events.map(({ who, step, text }) => `${who} ${step}: ${text}`);
    expect(events.filter((line) => line.includes("context"))).toEqual([
      "caches 4: context cache keeps root 0x100010000 (stored by step 3)",
      "device 6: begins a walk with root 0x100010000, as the context entry that is cached says",
    ]);
  });
});

describe("the counterexample of what both memory orders show", () => {
  it("reads nothing that is overwritten, though weak order would show the same by it", () => {
    const { findings } = check(
      inputOf(parseScript(scriptOf("two-faults/short-range-after-missing-barrier"))),
    );
    const told = findings.find((f) => f.class === "V06")!;
    expect(told.mode).toBe("strong");
    const loads = told.events.map(({ text: line }) => line).filter((line) => line.startsWith("loads"));
    expect(loads).toHaveLength(3);
    expect(loads.filter((line) => line.includes("still readable"))).toEqual([]);
  });
});

describe("the counterexample of a device that has met the new map", () => {
  const OLD = `caches iotlb+walk
epoch
table 0x100001000[0] = 0x100002003
table 0x100002000[0] = 0x1000000003 count=2 stride=0x1000
map old iova=0 size=0x2000 frame=0x1000000000
map new iova=0 size=0x2000 frame=0x2000000000
fill 0x100006000[0] = 0x2000000003 count=2 stride=0x1000
`;
  /** What the device loads once it has begun the second access, and what caches keep before the first. */
  const told = (text: string) => {
    const { findings } = check(inputOf(parseScript(BEFORE + text)), { mode: "strong" });
    const { events } = findings.find((f) => f.class === "V11")!;
    const lines = events.map(({ text: line }) => line);
    const again = lines.findIndex((line) => line.endsWith("another access"));
    const met = lines.findIndex((line) => line.endsWith("as the new map says"));
    expect(met).toBeGreaterThan(0);
    expect(again).toBeGreaterThan(met);
    expect(lines.filter((line) => line.includes("still readable"))).toEqual([]);
    return {
      loads: lines.slice(again).filter((line) => line.startsWith("loads")),
      kept: lines.slice(0, met).filter((line) => line.includes("keeps")),
    };
  };

  it("goes on below a table that was cached before its link was overwritten", () => {
    const { loads, kept } = told(`${OLD}barrier
store 0x100001000[0] = 0x100006003
barrier
invalidate iova=0 size=2M
wait drain
freeTable 0x100002000`);
    expect(loads).toEqual(["loads level 0 0x100002000[1]: 0x0000001000001003 (as before the script)"]);
    expect(kept[0]).toBe("walk cache keeps table 0x100002000");
  });

  it("finds a leaf of the old root that was cached before, and walks from it no more", () => {
    const switched = (tag: string): string => `fill 0x100007000[0] = 0x100006003
fill 0x100005000[0] = 0x100007003
barrier
setRoot root=0x100005000${tag}
barrier
invalidate caches=context
wait
invalidate all
wait drain
keep 0x100000000
keep 0x100001000
keep 0x100002000`;
    const same = told(`${OLD}${switched("")}`);
    expect(same.loads.filter((line) => line.includes("level 2"))).toEqual([]);
    expect(same.kept).toContain("walk cache keeps table 0x100001000");
    const retagged = told(`${OLD.replace("caches iotlb+walk\n", "")}${switched(" tag=20")}`);
    expect(retagged.loads).toEqual([]);
    expect(retagged.kept).toContain("the ATC keeps it too, and knows no tags");
  });
});
