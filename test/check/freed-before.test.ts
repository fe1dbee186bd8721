import { describe, expect, it } from "vitest";
import { callInputs, check, inputOf } from "../../src/check/index.ts";
import { callScripts, parseRecording, parseScript, printScript } from "../../src/edit-script/index.ts";

const HEAD = `hitless-edit-script 1 vtd-ss-39
domain 1 root=0x100000000
table 0x100000000[0] = 0x100001003
table 0x100001000[0] = 0x100002003
table 0x100002000[0] = 0x1000000003
map old iova=0 size=4K frame=0x1000000000
`;
const DETACH = `map remove iova=0 size=4K
store 0x100001000[0] = 0
barrier
invalidate iova=0 size=2M
wait drain
unpin 0x1000000000 size=4K
`;
const FREE = "freeTable 0x100002000\n";
const LINK = `map add iova=0 size=4K frame=0x1000000000
store 0x100001000[0] = 0x100002003
barrier
`;
const FILL = "fill 0x100002000[0] = 0x1000000003\nbarrier\n";

/** What is found in each call, in the recording and in the call printed as a script of its own. */
function foundIn(...calls: readonly string[]): string[][] {
  const recording = parseRecording(HEAD + calls.map((steps) => `call\n${steps}`).join(""));
  return [...callInputs(recording)].map(({ input, alone }) => {
    const told = ({ findings }: ReturnType<typeof check>) =>
      findings.map((f) => `${f.class} ${f.cause} ${f.met}`);
    const found = told(check(input));
    expect(told(check(inputOf(parseScript(printScript(alone())))))).toEqual(found);
    return found;
  });
}

describe("a table that an earlier call has given back", () => {
  it("is given back twice where a later call does so again", () => {
    expect(foundIn(DETACH + FREE, "barrier\n", FREE)).toEqual([
      [],
      [],
      ["V12 double table 0x100002000 is freed twice"],
    ]);
  });

  it("is a new one where a later call fills it, and may be given back again", () => {
    expect(foundIn(DETACH + FREE, FILL + LINK, DETACH + FREE)).toEqual([[], [], []]);
    expect(foundIn(DETACH + FREE, FILL + LINK, DETACH + FREE, FREE)[3]).toEqual([
      "V12 double table 0x100002000 is freed twice",
    ]);
  });

  it("is told from a page that never was one where a later call links it as it is", () => {
    const met = "a malformed entry: it points to a table that was freed before";
    expect(foundIn(DETACH + FREE, LINK)).toEqual([[], [`V13 plan ${met}`]]);
  });

  it("is no leak of the call that takes the last link to it away", () => {
    expect(foundIn(FREE, DETACH)).toEqual([["V07 double a pointer to a freed table"], []]);
  });

  it("is a leak of the call that takes the link away where nobody has freed it", () => {
    expect(foundIn("barrier\n", DETACH)).toEqual([
      [],
      ["V12 leak table 0x100002000 is neither reachable nor freed"],
    ]);
  });
});

describe("the tables that are freed in front of a call", () => {
  it("are those that calls before it have given back and not filled since, also when that is asked later", () => {
    const calls = [DETACH + FREE, FILL + LINK, DETACH + FREE, "freeTable 0x100003000\n", FILL, "barrier\n"];
    const text = HEAD + calls.map((steps) => `call\n${steps}`).join("");
    const files = [...callScripts(parseRecording(text))];
    expect(files.map(({ freedTables }) => freedTables)).toEqual([
      [],
      [0x100002],
      [],
      [0x100002],
      [0x100002, 0x100003],
      [0x100003],
    ]);
  });
});

describe("a `freed` line", () => {
  const script = (lines: string): string => `${HEAD}${lines}\nmap new iova=0 size=4K frame=0x1000000000\n`;

  it("says that a page holds no table any more", () => {
    const file = parseScript(script("freed 0x100003000\nfreeTable 0x100003000"));
    expect(file.freedTables).toEqual([0x100003]);
    expect(check(inputOf(file)).findings.map((f) => `${f.class} ${f.cause}`)).toEqual(["V12 double"]);
  });

  it.each([
    ["freed 0x100002000", "s:7: the page is said to be freed, but a table line gives it entries"],
    ["freed 0x100000000", "s:7: the page is said to be freed, but a domain has its root there"],
    ["freed 0x100002001", /^s:7: .*0x100002001/],
    ["freed", /^s:7: .*a table address/],
    ["call\nfreed 0x100003000", /^s:8: "freed" says what there was before the first call/],
  ])("is refused with its line where it is wrong: %j", (lines, sentence) => {
    expect(() => parseScript(script(lines), "s")).toThrow(sentence);
  });
});
