import { describe, expect, it } from "vitest";
import { contradictionIn, inputOf } from "../../src/check/index.ts";
import { parseScript } from "../../src/edit-script/index.ts";
import { CORRECT_SCRIPTS } from "./correct-scripts.ts";

const HEAD = `hitless-edit-script 1 vtd-ss-39
domain 1 root=0x100000000
table 0x100000000[0] = 0x100001003
table 0x100001000[0] = 0x100002003
`;
const MAPS = `map old iova=0 size=0x10000 frame=0x1000000000
map new iova=0 size=0x10000 frame=0x1000000000
`;
const of = (text: string): string | null => contradictionIn(inputOf(parseScript(HEAD + text)));
const leaves = (count: number): string =>
  `table 0x100002000[0] = 0x1000000003 count=${count} stride=0x1000\n`;

describe("what is given beside a script", () => {
  it.each(CORRECT_SCRIPTS.map(({ name, head, steps }) => [name, head + steps.join("\n")]))(
    "does not contradict itself: %s",
    (_, text) => {
      expect(contradictionIn(inputOf(parseScript(text)))).toBeNull();
    },
  );

  it("contradicts itself where a page that no step comes near is missing, too many, or another", () => {
    expect(of(leaves(16) + MAPS)).toBeNull();
    expect(of(leaves(15) + MAPS)).toBe(
      "before the first step IOVA 0xf000 of domain 1 meets no translation, and the old map names one",
    );
    expect(of(leaves(17) + MAPS)).toBe(
      "before the first step IOVA 0x10000 of domain 1 meets a translation, which the old map does not name",
    );
    expect(of(`${leaves(15)}table 0x100002000[15] = 0x1000010003\n${MAPS}`)).toBe(
      "before the first step IOVA 0xf000 of domain 1 meets another translation than the old map names",
    );
    expect(of(`${leaves(15)}table 0x100002000[15] = 0x100000f001\n${MAPS}`)).toContain("IOVA 0xf000");
  });

  it("contradicts itself where a table is a frame of a map, unless it is freed before", () => {
    const linked =
      "fill 0x1000003000[0] = 0 count=512 stride=0\nbarrier\nstore 0x100001000[5] = 0x1000003003\n";
    expect(of(leaves(16) + MAPS + linked)).toBe("0x1000003000 is a table, and a frame of the new map");
    const moved = "map old none\nmap new iova=0x200000 size=0x1000 frame=0x100002000\n";
    expect(of(`${moved}store 0x100001000[0] = 0\n`)).toBe(
      "0x100002000 is a table, and a frame of the new map",
    );
    expect(of(`${moved}store 0x100001000[0] = 0\nfreeTable 0x100002000\n`)).toBeNull();
  });

  it("is not followed without end where tables lead to each other", () => {
    const loop =
      "table 0x100001000[1] = 0x100000003 count=511 stride=0\ntable 0x100000000[1] = 0x100000003 count=511 stride=0\n";
    expect(of(`${loop}map old none\nmap new none\n`)).not.toBeUndefined();
  });
});
