import { describe, expect, it } from "vitest";
import { type CheckOptions, callInputs, check, inputOf } from "../../src/check/index.ts";
import { parseRecording, parseScript } from "../../src/edit-script/index.ts";
import type { Pfn } from "../../src/units/index.ts";

const HEAD = `hitless-edit-script 1 vtd-ss-39
domain 1 root=0x100000000
`;
/** A leaf of 2 MiB below two tables. */
const LARGE = `${HEAD}table 0x100000000[0] = 0x100001003
table 0x100001000[0] = 0x1000000083
map old iova=0 size=0x200000 frame=0x1000000000
`;
/** A table of the lowest level, with all its entries. */
const SMALL = `${HEAD}table 0x100000000[0] = 0x100001003
table 0x100001000[0] = 0x100002003
table 0x100002000[0] = 0x1000000003 count=512 stride=0x1000
map old iova=0 size=0x200000 frame=0x1000000000
`;
const FLUSH = "barrier\ninvalidate all\nwait drain\n";

const told = (text: string, options: CheckOptions = {}): string[] =>
  check(inputOf(parseScript(text)), options).findings.map((f) => `${f.class} ${f.cause} ${f.pages}`);

describe("a link that is stored again with other rights", () => {
  const narrowed = "store 0x100001000[0] = 0\nstore 0x100000000[0] = 0x100001001\n";

  it("leads to a table that was there before: what lingers in it is the old map's answer", () => {
    const script = `${LARGE}map new none\n${narrowed}${FLUSH}unpin 0x1000000000 size=0x200000\n`;
    expect(told(script)).toEqual([]);
  });

  it("does not hide that pages of both maps fault", () => {
    const script = `${LARGE}map new iova=0 size=0x200000 frame=0x1000000000\n${narrowed}${FLUSH}`;
    expect(told(script)).toEqual(["V01 plan 512"]);
    expect(told(script, { mode: "strong" })).toEqual(["V01 plan 512"]);
  });
});

describe("a plan that is wrong where a barrier is missing too", () => {
  const split =
    "fill 0x100008000[0] = 0x1000000003 count=1 stride=0x1000\nstore 0x100001000[0] = 0x100008003\n";

  it("is told with the class that it has in strong order, beside what the barrier lets through", () => {
    const script = `${LARGE}map new none\n${split}${FLUSH}unpin 0x1000000000 size=0x200000\n`;
    expect(told(script, { mode: "strong" })).toEqual(["V06 plan 1"]);
    expect(told(script)).toEqual(["V06 plan 1", "V15 no-barrier 1"]);
  });
});

describe("a page that keeps its frame and loses the pin", () => {
  const unpinned = "unpin 0x1000003000 size=0x2000\n";
  const kept = `${SMALL}map new iova=0 size=0x200000 frame=0x1000000000\n`;

  it("is no page that nobody can reach any more", () => {
    const script = `${kept}store 0x100002000[3] = 0\nstore 0x100002000[4] = 0\n${FLUSH}${unpinned}`;
    expect(told(script)).toEqual(["V01 plan 2"]);
  });

  it("is told of, whether its entry is written or not", () => {
    const script = `${kept}store 0x100002000[3] = 0x1000003001\n${FLUSH}${unpinned}`;
    expect(told(script)).toEqual(["V01 plan 1", "V06 plan 1", "V06 double 1"]);
  });
});

describe("tables that a script loses or frees twice", () => {
  const cut = `${SMALL}map new none\nstore 0x100001000[0] = 0\nbarrier\ninvalidate all\nwait\n`;

  it("are told beside what else is wrong, if nothing else explains them", () => {
    expect(told(`${cut}unpin 0x1000000000 size=0x1000\n`)).toEqual(["V06 no-drain 1", "V12 leak 512"]);
    const freed = "freeTable 0x100002000\nfreeTable 0x100002000\n";
    expect(told(`${cut}unpin 0x1000000000 size=0x1000\n${freed}`)).toEqual([
      "V06 no-drain 1",
      "V12 double 0",
    ]);
  });

  it("are told of the domain that loses them", () => {
    const two = `${HEAD}domain 2 root=0x110000000
table 0x100000000[0] = 0x100001003
table 0x100001000[0] = 0x1000000083
table 0x110000000[0] = 0x110001003
table 0x110001000[0] = 0x110002003
table 0x110002000[0] = 0x1000000003 count=512 stride=0x1000
map old iova=0 size=0x200000 frame=0x1000000000
map new iova=0 size=0x200000 frame=0x1000000000
store 0x110001000[0] = 0x1000000083
store 0x100001000[0] = 0
store 0x100001000[0] = 0x1000000083
barrier
invalidate domain=2 iova=0 size=0x200000
wait drain
`;
    const { findings } = check(inputOf(parseScript(two)));
    expect(findings.map((f) => `${f.class} ${f.domain}`)).toEqual(["V01 1", "V12 2"]);
  });
});

describe("a page that becomes a table", () => {
  it("is zeroed before it is linked, whatever it is taken to hold", () => {
    const zeroed = "fill 0x100008000[0] = 0 count=512 stride=0\n";
    const linked = "store 0x100000000[0] = 0x100008003\n";
    const none = `${HEAD}map old none\nmap new none\n`;
    expect(told(`${none}${zeroed}barrier\n${linked}barrier\n`)).toEqual([]);
    expect(told(`${none}${zeroed}${linked}barrier\n`)).toEqual(["V15 no-barrier 262144"]);
    expect(told(`${none}${linked}barrier\n${zeroed}barrier\n`)).toEqual(["V08 split-store 262144"]);
  });

  it("is told to be linked too early in both memory orders alike", () => {
    const rest = "fill 0x100008000[2] = 0x1000002003 count=510 stride=0x1000\n";
    const script = `${SMALL}map new iova=0 size=0x200000 frame=0x1000000000
fill 0x100008000[0] = 0x1000000003 count=2 stride=0x1000
barrier
exchange 0x100001000[0] = 0x100008003 expected=0x100002003
barrier
${rest}invalidate iova=0 size=0x200000
wait drain
freeTable 0x100002000
barrier
`;
    expect(told(script, { mode: "strong" })).toEqual(["V01 order 510"]);
    expect(told(script)).toEqual(["V01 order 510"]);
  });
});

describe("a table that stands in two places", () => {
  const edited = "store 0x100002000[5] = 0\nbarrier\ninvalidate iova=0x5000 size=0x1000\nwait drain\n";

  it("changes both, where the tables say so", () => {
    const script = `${SMALL}table 0x100001000[1] = 0x100002003
map old iova=0x200000 size=0x200000 frame=0x1000000000
map new iova=0 size=0x5000 frame=0x1000000000
map new iova=0x6000 size=0x1fa000 frame=0x1000006000
map new iova=0x200000 size=0x200000 frame=0x1000000000
${edited}`;
    const { findings } = check(inputOf(parseScript(script)));
    expect(findings.map((f) => [f.class, f.ranges])).toEqual([["V01", [{ start: 0x205, end: 0x206 }]]]);
  });

  it("is found by each check anew, where a program keeps its tables and changes them", () => {
    const maps = `map old iova=0x200000 size=0x200000 frame=0x1000000000
map new iova=0 size=0x5000 frame=0x1000000000
map new iova=0x6000 size=0x1fa000 frame=0x1000006000
map new iova=0x200000 size=0x200000 frame=0x1000000000
`;
    const input = inputOf(parseScript(`${SMALL}table 0x100001000[1] = 0x100002003\n${maps}${edited}`));
    let isLinked = false;
    const entry = (table: Pfn, index: number): bigint =>
      table === 0x10_0001 && index === 1 && !isLinked ? 0n : input.tables.entry(table, index);
    const live = { ...input, tables: { isTable: input.tables.isTable, entry } };
    const faults = (): string[] => check(live).findings.flatMap((f) => (f.class === "V01" ? [f.class] : []));
    expect(faults()).toEqual([]);
    isLinked = true;
    expect(faults()).toEqual(["V01"]);
  });

  it("changes both, where an earlier call has linked it", () => {
    const recording = parseRecording(`${SMALL}call share
map add iova=0x200000 size=0x200000 frame=0x1000000000
store 0x100001000[1] = 0x100002003
barrier
call unmap
map remove iova=0x5000 size=0x1000
${edited}`);
    const found = [...callInputs(recording)].map(({ input }) => check(input).findings);
    expect(found[0]).toEqual([]);
    expect(found[1]!.map((f) => [f.class, f.ranges])).toEqual([["V01", [{ start: 0x205, end: 0x206 }]]]);
  });
});

describe("a root that is stored as it is", () => {
  it("changes nothing", () => {
    const script = `${SMALL}map new iova=0 size=0x200000 frame=0x1000000000
setRoot domain=1 root=0x100000000 tag=1
barrier
`;
    expect(told(script)).toEqual([]);
  });
});

describe("an invalidation that others were posted for", () => {
  it("is not blamed for a page that has none", () => {
    const script = `${SMALL}map new iova=0x2000 size=0x1fe000 frame=0x1000002000
store 0x100002000[0] = 0
barrier
store 0x100002000[1] = 0
barrier
invalidate iova=0x1000 size=0x1000
wait drain
unpin 0x1000000000 size=0x2000
`;
    expect(told(script)).toEqual(["V06 missing-inv 1"]);
  });

  it("is too short where it comes for both", () => {
    const script = `${SMALL}map new iova=0x2000 size=0x1fe000 frame=0x1000002000
store 0x100002000[0] = 0
store 0x100002000[1] = 0
barrier
invalidate iova=0x1000 size=0x1000
wait drain
unpin 0x1000000000 size=0x2000
`;
    expect(told(script)).toEqual(["V06 under-range 1"]);
  });
});

describe("an invalidation that is too weak for one of two domains", () => {
  const two = `${SMALL}domain 2 root=0x100010000
table 0x100010000[0] = 0x100011003
table 0x100011000[0] = 0x100012003
table 0x100012000[0] = 0x1000000003 count=512 stride=0x1000
map new iova=0x1000 size=0x1ff000 frame=0x1000001000
store 0x100002000[0] = 0
store 0x100012000[0] = 0
store 0x100002000[1] = 0x1000001003
store 0x100012000[1] = 0x1000001003
barrier
`;
  const done = "wait drain\nunpin 0x1000000000 size=0x1000\n";
  const blamed = (first: string, second: string): string[] =>
    check(
      inputOf(
        parseScript(
          `${two}invalidate domain=1 iova=0 size=0x2000${first}\ninvalidate domain=2 ${second}\n${done}`,
        ),
      ),
    ).findings.map((f) => `${f.class} ${f.cause} of domain ${f.domain} at step ${f.causeStep}`);

  it("is the one that is blamed", () => {
    expect(blamed("", "iova=0 size=0x2000")).toEqual([]);
    expect(blamed("", "iova=0x1000 size=0x1000")).toEqual(["V06 under-range of domain 2 at step 7"]);
    expect(blamed("", "iova=0 size=0x2000 caches=iotlb+walk")).toEqual(["V06 no-ATC of domain 2 at step 7"]);
  });
});

describe("what a script does wrong in many places", () => {
  it("is one finding, with the first place, whatever the number of pages", () => {
    const wrong = (count: number): string => {
      const stores = Array.from(
        { length: count },
        (_, i) => `store 0x100002000[${3 * i}] = 0x1000${(3 * i + 0x300).toString(16).padStart(3, "0")}003\n`,
      );
      return `${SMALL}map new iova=0 size=0x200000 frame=0x1000000000\n${stores.join("")}${FLUSH}`;
    };
    for (const count of [5, 20, 100]) expect(told(wrong(count))).toEqual([`V02 plan ${count}`]);
  });
});
