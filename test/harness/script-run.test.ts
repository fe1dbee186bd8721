import { describe, expect, it } from "vitest";
import { check, inputOf } from "../../src/check/index.ts";
import { parseRecording, parseScript } from "../../src/edit-script/index.ts";
import { runScriptCheck } from "../../src/harness/index.ts";

const BEFORE = `hitless-edit-script 1 vtd-ss-39
domain 1 root=0x100000000
table 0x100000000[0] = 0x100001003
table 0x100001000[0] = 0x100002003
table 0x100002000[3] = 0x1000003003 count=2 stride=0x1000
map old iova=0x3000 size=0x2000 frame=0x1000003000
`;
const MOVE = `map remove iova=0x5000 size=0x1000
map add iova=0x5000 size=0x1000 frame=0x2000000000
store 0x100002000[5] = 0x2000000003
barrier
invalidate iova=0x5000 size=0x1000
wait drain
unpin 0x1000009000 size=0x1000
`;

describe("what a recording has given back too often", () => {
  it("is told of pins and of tables apart", () => {
    const text = `${BEFORE}map new none
pins 0x1000003000 size=0x2000
store 0x100001000[0] = 0
barrier
invalidate iova=0 size=2M
wait drain
freeTable 0x100002000
freeTable 0x100002000
unpin 0x1000003000 size=0x2000
unpin 0x1000003000 size=0x1000
`;
    const { report } = runScriptCheck(parseRecording(text, "driver.script"), "driver.script", ["weak"], "");
    expect(report.violations.map(({ class: kind, cause, met }) => [kind, cause, met])).toEqual([
      ["V12", "double", expect.stringContaining("-1 pins for 0 pages")],
      ["V12", "double", "table 0x100002000 is freed twice"],
    ]);
    expect(report.violations.map(({ changes }) => changes.length)).toEqual([1, 1]);
  });
});

describe("a call of a recording", () => {
  it.each([
    ["no leaf", "barrier"],
    ["a leaf of another frame", "store 0x100002000[5] = 0x100000a003\nbarrier"],
    ["a leaf with fewer rights", "store 0x100002000[5] = 0x1000009001\nbarrier"],
  ])("is not decided where an earlier one left %s on a page that it moves", (_, steps) => {
    const text = `${BEFORE}call map\nmap add iova=0x5000 size=0x1000 frame=0x1000009000\n${steps}\ncall move\n${MOVE}`;
    const { report } = runScriptCheck(parseRecording(text, "driver.script"), "driver.script", ["weak"], "");
    expect(report.calls?.map((call) => call.verdict)).toEqual(["violation", "undecided"]);
  });

  it("is not decided where an earlier one took away a page that it unmaps, with others or alone", () => {
    const map =
      "call map\nmap add iova=0x5000 size=0x2000 frame=0x1000009000\nstoreRun 0x100002000[5] = 0x1000009003 count=2 stride=0x1000\nbarrier\n";
    const flushed = "barrier\ninvalidate iova=0 size=2M\nwait drain\n";
    const unmap = `call unmap\nmap remove iova=0x5000 size=0x1000\nstore 0x100002000[5] = 0\n${flushed}`;
    const verdicts = (lost: string): string[] | undefined => {
      const text = `${BEFORE}${map}call lose\n${lost}${flushed}${unmap}call rest\n`;
      const { report } = runScriptCheck(parseRecording(text, "driver.script"), "driver.script", ["weak"], "");
      return report.calls?.map((call) => call.verdict);
    };
    expect(verdicts("store 0x100001000[0] = 0\n")).toEqual(["clean", "violation", "undecided", "undecided"]);
    expect(verdicts("store 0x100002000[5] = 0\n")).toEqual(["clean", "violation", "undecided", "undecided"]);
    // Another page is none of its business.
    expect(verdicts("store 0x100002000[6] = 0\n")).toEqual(["clean", "violation", "clean", "clean"]);
  });

  it("is not decided where it copies what an earlier one left wrong below a new root", () => {
    const copy = (leaf: string): string => `call copy
fill 0x100007000[3] = 0x1000003003 count=2 stride=0x1000
${leaf}
fill 0x100006000[0] = 0x100007003
fill 0x100005000[0] = 0x100006003
barrier
setRoot root=0x100005000
barrier
invalidate caches=context
wait
invalidate all
wait drain
freeTable 0x100000000
freeTable 0x100001000
freeTable 0x100002000
`;
    const verdicts = (left: string, copied: string, more = ""): string[] | undefined => {
      const map = `call map\nmap add iova=0x5000 size=0x1000 frame=0x1000009000\n${left}\nbarrier\n`;
      const text = `${BEFORE}${map}${copy(copied)}${more}call rest\n`;
      const { report } = runScriptCheck(parseRecording(text, "driver.script"), "driver.script", ["weak"], "");
      return report.calls?.map((call) => call.verdict);
    };
    for (const leaf of ["0x100000a003", "0x1000009001"])
      expect(verdicts(`store 0x100002000[5] = ${leaf}`, `fill 0x100007000[5] = ${leaf}`)).toEqual([
        "violation",
        "undecided",
        "undecided",
      ]);
    expect(verdicts("", "")).toEqual(["violation", "undecided", "undecided"]);
    // What is right before is this call's own, and what says nothing of pages is told in any case.
    const right = "store 0x100002000[5] = 0x1000009003";
    expect(verdicts(right, "")).toEqual(["clean", "violation", "clean"]);
    const lost = "store 0x100002000[8] = 0x1000009003";
    const leak = "fill 0x100007000[5] = 0x1000009003";
    expect(verdicts(`${right}\n${lost}`, leak)).toEqual(["violation", "clean", "clean"]);
  });

  it("tells that the old map has a page, changed by the call, that its tables do not have", () => {
    const map = "map old iova=0x5000 size=0x1000 frame=0x1000009000\n";
    const { mismatch } = check(inputOf(parseScript(`${BEFORE}${map}${MOVE}`, "driver.script")));
    expect(mismatch).toContain("before the first step IOVA 0x5000 of domain 1 meets no translation");
  });
});
