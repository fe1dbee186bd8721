import { describe, expect, it } from "vitest";
import { check, inputOf } from "../../src/check/index.ts";
import { parseRecording, parseScript, printRecording, printScript } from "../../src/edit-script/index.ts";

const HEAD = `hitless-edit-script 1 vtd-ss-39
domain 1 root=0x100000000
table 0x100000000[0] = 0x100001003
table 0x100001000[0] = 0x100002003
table 0x100002000[0] = 0x1000000003
map old iova=0 size=4K frame=0x1000000000
map new none
`;
const STEPS = `store 0x100002000[0] = 0
barrier
invalidate domain=2 iova=0 size=4K
wait drain
unpin 0x1000000000 size=4K
`;

describe("a domain number that somebody else has", () => {
  it("may be invalidated where a line says whose it is, and reaches nothing", () => {
    const { findings } = check(inputOf(parseScript(`${HEAD}tag 2\n${STEPS}`)));
    expect(findings.map((f) => `${f.class} ${f.cause}`)).toEqual(["V06 wrong-tag"]);
  });

  it("is said to be so where a script, or a call of a recording, is printed", () => {
    const script = parseScript(`${HEAD}tag 2\n${STEPS}`);
    expect(printScript(script)).toContain("\ntag 2\n");
    expect([...parseScript(printScript(script)).script]).toEqual([...script.script]);
    const recording = parseRecording(
      `${HEAD.replace("map new none\n", "tag 2\n")}call a\nbarrier\ncall b\nmap new none\n${STEPS}`,
    );
    expect(printRecording(parseRecording(printRecording(recording)))).toBe(printRecording(recording));
  });

  it("is not printed of numbers that domains have, or get", () => {
    const own = `${HEAD}setRoot root=0x100003000 tag=9\ninvalidate domain=9 iova=0 size=4K\ninvalidate iova=0 size=4K\n`;
    expect(printScript(parseScript(own))).not.toContain("tag 9\n");
    expect(printScript(parseScript(own))).not.toContain("tag 1\n");
  });

  it.each([
    [
      STEPS,
      's:10: domain 2 has no "domain" line and is no tag of an earlier setRoot; a line "tag 2" says that it is somebody else\'s',
    ],
    [`tag 1\n${STEPS}`, "s:8: tag 1 is that of a domain of this file"],
    ["tag 2\nsetRoot root=0x100003000 tag=2\n", "s:9: tag 2 is somebody else's"],
    [
      "tag 2\nwindow open domain=2 iova=0 size=4K\n",
      "s:9: tag 2 is somebody else's: a window line names a domain of this file",
    ],
    ["call\ntag 2\n", 's:9: "tag" says what there was before the first call and stands above its line'],
    ["tag two\n", /^s:8: .*two/],
  ])("is refused where it cannot be so: %j", (lines, sentence) => {
    const head = lines.startsWith("call") ? HEAD.replace("map new none", "") : HEAD;
    expect(() => parseScript(head + lines, "s")).toThrow(sentence);
  });
});
