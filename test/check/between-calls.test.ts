import { describe, expect, it } from "vitest";
import { type ChangeCalls, check, inputOf, printCounterexample } from "../../src/check/index.ts";
import { parseScript } from "../../src/edit-script/index.ts";

const HEAD = `hitless-edit-script 1 vtd-ss-39
domain 1 root=0x100000000
table 0x100000000[0] = 0x100001003
table 0x100001000[0] = 0x100002003
table 0x100002000[5] = 0x1000005003 count=2 stride=0x1000
map old iova=0x5000 size=0x2000 frame=0x1000005000
map new iova=0x5000 size=0x1000 frame=0x1000005000
map new iova=0x6000 size=0x1000 frame=0x1000006000 rights=r
caches iotlb+walk
`;
const INVALIDATE = ["barrier", "invalidate iova=0x5000 size=0x2000", "wait drain"];
const TAKE = ["storeRun 0x100002000[5] = 0 count=2 stride=0", ...INVALIDATE];
const GIVE = ["store 0x100002000[5] = 0x1000005003", "store 0x100002000[6] = 0x1000006001", "barrier"];
const callsAt = (...starts: number[]): ChangeCalls => ({
  count: starts.length + 1,
  spans: starts.map((step, i) => ({ number: i + 2, step, name: i === 0 ? "UNMAP one" : "MAP another" })),
});
const decided = (steps: readonly string[], calls: ChangeCalls | null, causes = true) =>
  check({ ...inputOf(parseScript(HEAD + steps.join("\n"))), calls }, { causes }).findings;
const named = (...args: Parameters<typeof decided>): string[] =>
  decided(...args).map((f) => `${f.class} ${f.cause} ${f.causeStep} ${f.pages}`);

describe("a change of several calls", () => {
  it("has its cause in being several where one call takes a page and a later one brings it back", () => {
    for (const causes of [true, false])
      expect(named([...TAKE, ...GIVE], callsAt(1, 5), causes)).toEqual(["V01 plan 1 1", "V01b plan 1 1"]);
    const [kept] = decided([...TAKE, ...GIVE], callsAt(1, 5));
    expect(kept!.causeText).toBe(
      "the change is made of 3 calls; call 2 (UNMAP one) takes the page away, call 3 (MAP another) maps it again",
    );
  });

  it("names the store that takes the page, also where the table around it goes in the same call", () => {
    const all = ["barrier", "invalidate iova=0 size=0x200000", "wait drain"];
    const detach = ["store 0x100001000[0] = 0", ...all, "freeTable 0x100002000"];
    const build = ["fill 0x100003000[5] = 0x1000005003 count=1 stride=0", "barrier"];
    const link = ["store 0x100001000[0] = 0x100003003", "store 0x100003000[6] = 0x1000006001", "barrier"];
    const steps = [...INVALIDATE, TAKE[0]!, ...detach, ...build, ...link];
    expect(named(steps, callsAt(1, 10))).toEqual(["V01 plan 4 1", "V01b plan 4 1"]);
  });

  it("does not excuse a fault inside one of its calls", () => {
    const torn = ["store 0x100002000[5] = 0", "store 0x100002000[5] = 0x1000005003", ...INVALIDATE];
    const narrow = ["store 0x100002000[6] = 0x1000006001", ...INVALIDATE];
    expect(named([...torn, ...narrow], callsAt(1, 6))).toEqual(["V01 plan 1 1"]);
    expect(decided([...torn, ...narrow], callsAt(1, 6))[0]!.causeText).toMatch(
      /^the script writes the wrong/,
    );
    expect(named([...torn, ...narrow], callsAt(1, 6), false)).toEqual(["V01 null 0 1"]);
  });

  it("keeps a fault before the gap apart from the gap", () => {
    const blink = ["store 0x100002000[5] = 0", "store 0x100002000[5] = 0x1000005003", ...INVALIDATE];
    const findings = decided([...blink, ...TAKE, ...GIVE], callsAt(1, 6, 10), false);
    expect(findings.map((f) => `${f.class} ${f.cause} ${f.causeStep}`)).toEqual([
      "V01 null 0",
      "V01 plan 6",
      "V01b plan 6",
    ]);
  });

  it("does not call it a gap when the page never comes back", () => {
    const [first] = decided([...TAKE, ...GIVE.slice(1)], callsAt(1, 5), false);
    expect(first).toMatchObject({ class: "V01", cause: null });
  });

  it("finds no gap in one call, however it is written", () => {
    for (const calls of [null, { count: 1, spans: [{ number: 1, step: 1, name: "SET_MAP" }] }])
      expect(named([...TAKE, ...GIVE], calls, false)).toEqual(["V01 null 0 1", "V01b null 0 1"]);
  });

  it("shows which call each kernel step belongs to, up to the one that maps the page again", () => {
    const [kept] = decided([...TAKE, ...GIVE], callsAt(1, 5));
    const kernel = kept!.events.filter((e) => e.who === "kernel").map((e) => `${e.step} ${e.call}`);
    expect(kernel).toEqual(["1 call 2 of 3: UNMAP one", "5 call 3 of 3: MAP another"]);
    const text = printCounterexample(kept!);
    const at = (part: string): number => text.indexOf(part);
    expect(at("call 2 of 3: UNMAP one\n")).toBeGreaterThan(0);
    expect(at("call 2 of 3: UNMAP one\n")).toBeLessThan(at("meets no translation"));
    expect(at("meets no translation")).toBeLessThan(at("call 3 of 3: MAP another\n"));
    for (const event of decided([...TAKE, ...GIVE], null)[0]!.events) expect(event.call).toBeUndefined();
  });
});
