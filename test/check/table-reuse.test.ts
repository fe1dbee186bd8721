import { describe, expect, it } from "vitest";
import { callInputs, check, Decision, inputOf } from "../../src/check/index.ts";
import { tableDrifts } from "../../src/check/rules/table-ledger.ts";
import { parseRecording, parseScript } from "../../src/edit-script/index.ts";

/* Two calls: a page goes with its tables, another comes, and a table page of the first serves the second. */
const BEFORE = `hitless-edit-script 1 vtd-ss-39
domain 1 root=0x100000000
table 0x100000000[0] = 0x100001003
table 0x100001000[0] = 0x100002003
table 0x100002000[0] = 0x1000000003
map old iova=0 size=0x1000 frame=0x1000000000 rights=rw
map new iova=0x40000000 size=0x1000 frame=0x1000001000 rights=rw
`;
const UNMAP = `store 0x100000000[0] = 0
barrier
invalidate iova=0 size=0x40000000
wait drain
unpin 0x1000000000 size=0x1000
`;
const mapWith = (table: string): string => `fill 0x100003000[0] = 0x1000001003
fill ${table}[0] = 0x100003003
fill ${table}[1] = 0 count=511 stride=0
barrier
store 0x100000000[1] = ${table.slice(0, -3)}003
barrier
`;
const findings = (steps: string): string[] =>
  check(inputOf(parseScript(BEFORE + steps))).findings.map((f) => `${f.class} ${f.cause} ${f.met}`);

describe("a table page that is freed and used again", () => {
  it("is judged by what it holds now, not by what its old leaves would be at its new level", () => {
    const freed = "freeTable 0x100002000\nfreeTable 0x100001000\n";
    expect(findings(UNMAP + freed + mapWith("0x100002000"))).toEqual([]);
  });

  it("does not hide that a table which hung below it is lost", () => {
    const freed = "freeTable 0x100001000\n";
    expect(findings(UNMAP + freed + mapWith("0x100001000"))).toEqual([
      "V12 leak table 0x100002000 is neither reachable nor freed",
    ]);
  });
});

describe("a script that changes nothing but leaves of tables in their places", () => {
  const drifts = (steps: string) => {
    const decision = new Decision(inputOf(parseScript(BEFORE + steps)));
    decision.auditPins();
    return tableDrifts(decision).map(({ table, what }) => [table, what]);
  };

  it("loses no table", () => {
    expect(drifts("store 0x100002000[0] = 0\nbarrier\n")).toEqual([]);
  });

  it("gives one back twice where it does, or loses all with a root of its own", () => {
    const freed = "freeTable 0x100002000\n";
    expect(drifts(`store 0x100002000[0] = 0\nbarrier\n${freed}${freed}`)).toEqual([[0x100002, "double"]]);
    const rooted = "store 0x100002000[0] = 0\nbarrier\nsetRoot domain=1 root=0x100001000 tag=7\n";
    expect(drifts(rooted)).toContainEqual([0x100000, "leak"]);
  });
});

describe("what does not add up in many places", () => {
  it("is one finding for all tables that are lost", () => {
    const tables = [4, 5, 6, 7].map((k) => `table 0x100001000[${k - 2}] = 0x10000${k}003\n`).join("");
    const leak = `${BEFORE}${tables}`;
    const found = check(
      inputOf(
        parseScript(`${leak}store 0x100001000[3] = 0
store 0x100001000[4] = 0
barrier
invalidate iova=0 size=1G scope=nonLeaf
wait drain
`),
      ),
    ).findings.filter((f) => f.class === "V12");
    expect(found.map(({ class: kind, met }) => `${kind} ${met}`)).toEqual([
      "V12 tables 0x100005000 and 0x100006000 are neither reachable nor freed",
    ]);
    expect(found[0]!.ranges).toEqual([{ start: 3 * 512, end: 5 * 512 }]);
  });

  it("names three of them and counts the rest", () => {
    const pins = [0, 2, 4, 6, 8].map((k) => `pins 0x20000${k}000 size=0x1000\n`).join("");
    const found = check(inputOf(parseScript(`${BEFORE}${pins}store 0x100002000[1] = 0\nbarrier\n`))).findings;
    expect(found.filter((f) => f.class === "V12").map(({ cause, met }) => `${cause} ${met}`)).toContain(
      "leak frames 0x200000000 to 0x200001000, 0x200002000 to 0x200003000, 0x200004000 to 0x200005000 and 2 more " +
        "hold 1 pin for 0 pages of the new map",
    );
  });
});

describe("the lives of a page that is a table again and again", () => {
  it("follow each other: a step is told of the first one that is not freed by then, or of the last", () => {
    const lives = 40;
    const steps: string[] = [];
    const frees: number[] = [];
    for (let life = 0; life < lives; life++) {
      steps.push("fill 0x100003000[0] = 0x1000001003", "barrier");
      // Not all lives are equally long, and a second free ends none.
      for (let more = 0; more < life % 3; more++) steps.push("barrier");
      if (life === lives - 1) break;
      frees.push(steps.push("freeTable 0x100003000"));
      if (life % 5 === 0) steps.push("freeTable 0x100003000");
    }
    const { log } = new Decision(inputOf(parseScript(BEFORE + steps.join("\n"))));
    for (let step = 0; step <= steps.length; step++)
      expect(log.logAt(0x100003, step)!.life).toBe(frees.filter((free) => free <= step).length);
    expect([...log.logs()].filter(({ table }) => table === 0x100003).map(({ life }) => life)).toEqual(
      Array.from({ length: lives }, (_, life) => life),
    );
  });
});

describe("a table that an earlier call has lost", () => {
  const calls = (text: string): string[][] =>
    [...callInputs(parseRecording(text))].map(({ input }) =>
      check(input!).findings.map(({ class: kind, met }) => `${kind} ${met}`),
    );
  const HEAD = `hitless-edit-script 1 vtd-ss-39
domain 1 root=0x100000000
table 0x100000000[0] = 0x100001003
table 0x100001000[0] = 0x100002003
table 0x100002000[0] = 0x1000000003 count=2 stride=0x1000
map old iova=0 size=8K frame=0x1000000000
`;

  it("is not told of the one that still writes it", () => {
    const lost =
      "call a\nmap remove iova=4K size=4K\nstore 0x100001000[0] = 0\nbarrier\ninvalidate iova=0 size=2M\nwait drain\n";
    const [first, second] = calls(`${HEAD}${lost}call b\nstore 0x100002000[0] = 0\nbarrier\n`);
    expect(first).toEqual(["V01 no translation"]);
    expect(second).toEqual([]);
  });

  it("and was kept is no leak, nor are frames that it led to, where it comes back one level up", () => {
    const kept =
      "keep 0x100002000\ncall a\nmap remove iova=0 size=8K\nstore 0x100001000[0] = 0\nbarrier\ninvalidate iova=0 size=2M\nwait drain\n";
    const again =
      "call b\nfill 0x100002000[0] = 0 count=512\nbarrier\nstore 0x100000000[1] = 0x100002003\nbarrier\n";
    expect(calls(HEAD + kept + again)).toEqual([[], []]);
  });
});
