import { describe, expect, it } from "vitest";
import { check, inputOf, type MemoryMode } from "../../src/check/index.ts";
import { parseScript } from "../../src/edit-script/index.ts";

/** A 2 MiB leaf of which pages 100 to 107 go away. */
const HEAD = `hitless-edit-script 1 vtd-ss-39
domain 1 root=0x100000000
table 0x100000000[0] = 0x100001003
table 0x100001000[0] = 0x1000000083
map old iova=0 size=0x200000 frame=0x1000000000
map new iova=0 size=0x64000 frame=0x1000000000
map new iova=0x6c000 size=0x194000 frame=0x100006c000
`;
const SPLIT = [
  "fill 0x100002000[0] = 0x1000000003 count=100 stride=0x1000 u=1",
  "fill 0x100002000[108] = 0x100006c003 count=404 stride=0x1000 u=1",
  "barrier",
  "store 0x100001000[0] = 0x100002003 u=1",
  "barrier",
  "invalidate iova=0 size=0x200000",
  "wait drain",
  "unpin 0x1000064000 size=0x8000",
];

const decide = (lines: readonly string[], mode: MemoryMode = "strong"): string[] => {
  const { findings } = check(inputOf(parseScript(HEAD + lines.join("\n"))), { mode });
  return findings.map((f) => `${f.class} ${f.pages}`);
};
const replaced = (at: number, ...lines: string[]): string[] => SPLIT.toSpliced(at, 1, ...lines);

describe("deciding a split", () => {
  it("finds nothing in the right order, in both memory modes", () => {
    expect(decide(SPLIT, "strong")).toEqual([]);
    expect(decide(SPLIT, "weak")).toEqual([]);
  });

  it("V01: a table linked before it is filled faults on exactly the kept pages", () => {
    expect(decide([SPLIT[3]!, ...SPLIT.toSpliced(3, 1)])).toEqual(["V01 504"]);
  });

  it("V01: clearing the leaf before linking the table", () => {
    expect(decide(replaced(3, "store 0x100001000[0] = 0", SPLIT[3]!))).toEqual(["V01 504"]);
  });

  it("V02: one child that points to a wrong frame", () => {
    expect(decide(replaced(2, "fill 0x100002000[7] = 0x1000005003 u=1", "barrier"))).toContain("V02 1");
  });

  it("V04: an invalidation of the eight pages does not reach the cached 2 MiB leaf", () => {
    expect(decide(replaced(5, "invalidate iova=0x64000 size=0x8000").slice(0, -1))).toContain("V04 8");
  });

  it("V06: frames unpinned before the wait", () => {
    expect(decide([...SPLIT.slice(0, 6), SPLIT[7]!, SPLIT[6]!])).toEqual(["V06 8"]);
  });

  it("V06: a wait that does not drain leaves accesses under way", () => {
    expect(decide(replaced(6, "wait"))).toEqual(["V06 8"]);
  });

  it("V15: no barrier between fill and link shows in weak mode only", () => {
    expect(decide(SPLIT.toSpliced(2, 1), "strong")).toEqual([]);
    expect(decide(SPLIT.toSpliced(2, 1), "weak")).toEqual(["V15 504"]);
  });
});
