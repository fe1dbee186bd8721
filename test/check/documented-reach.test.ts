import { describe, expect, it } from "vitest";
import { check, inputOf } from "../../src/check/index.ts";
import { parseScript } from "../../src/edit-script/index.ts";

/* What docs/edit-script.md says of drains, of what invalidations reach, and of tables that come and go. */
const HEAD = `hitless-edit-script 1 vtd-ss-39
domain 1 root=0x100000000
caches iotlb+walk
table 0x100000000[0] = 0x100001003
table 0x100001000[0] = 0x100002003
table 0x100002000[3] = 0x1000003003 count=2 stride=0x1000
map old iova=0x3000 size=0x2000 frame=0x1000003000
`;
const findings = (text: string): string[] =>
  check(inputOf(parseScript(text))).findings.map((f) => `${f.class} ${f.cause} ${f.pages}`);

describe("a wait that drains", () => {
  const unmapped = (lines: string): string[] =>
    findings(`${HEAD}map new none
storeRun 0x100002000[3] = 0 count=2
barrier
${lines}
unpin 0x1000003000 size=0x2000`);

  it("drains what an earlier wait has completed", () => {
    expect(unmapped("invalidate iova=0x3000 size=0x2000\nwait\nwait drain")).toEqual([]);
    expect(unmapped("qi 0x100e2 0\nwait\nwait drain")).toEqual([]);
  });

  it("drains nothing behind a descriptor that does not ask, until another asks", () => {
    const undrained = "qi 0x10022 0\nwait drain\n";
    expect(unmapped(undrained)).toEqual(["V06 no-drain 2"]);
    expect(unmapped(`${undrained}wait drain`)).toEqual(["V06 no-drain 2"]);
    expect(unmapped(`${undrained}qi 0x100e2 0\nwait drain`)).toEqual([]);
    expect(unmapped(`${undrained}invalidate all\nwait drain`)).toEqual([]);
  });

  it("drains nothing of what descriptors of both kinds have dropped, unless a wait parts them", () => {
    expect(unmapped("qi 0x100f2 0x3000\nqi 0x10032 0x4000\nwait drain")).toEqual(["V06 no-drain 2"]);
    expect(unmapped("qi 0x10032 0x4000\nwait drain\nqi 0x100f2 0x3000\nwait drain")).toEqual([]);
  });
});

describe("an invalidation", () => {
  const detached = (range: string): string[] =>
    findings(`${HEAD}map new none
store 0x100001000[0] = 0
barrier
invalidate ${range}
wait drain
freeTable 0x100002000
unpin 0x1000003000 size=0x2000`);

  it("drops pointers to a table only for the pages of its range", () => {
    expect(detached("iova=0x3000 size=0x2000")).toEqual(["V07 under-range 510"]);
    expect(detached("iova=0 size=0x200000")).toEqual([]);
  });

  it.each(["leaf", "nonLeaf"])(
    "drops absences of its pages with scope=%s, those of a table as well",
    (scope) => {
      const linked = (range: string): string[] =>
        findings(`${HEAD.replace("vtd-ss-39", "vtd-ss-39-cm")}map add iova=0x200000 size=0x2000 frame=0x2000000000
fill 0x100003000[0] = 0x2000000003 count=2 stride=0x1000
barrier
store 0x100001000[1] = 0x100003003
barrier
invalidate scope=${scope} caches=iotlb ${range}
wait drain`);
      expect(linked("iova=0x200000 size=0x2000")).toEqual([]);
      expect(linked("iova=0x200000 size=0x1000")).toEqual(["V05 under-range 1"]);
    },
  );
});

describe("a table page", () => {
  const link = "store 0x100001000[1] = 0x100002003\nbarrier\n";
  const moved = (lines: string): string[] =>
    findings(`${HEAD}map new iova=0x200000 size=0x1000 frame=0x1000001000
store 0x100001000[0] = 0
barrier
invalidate iova=0 size=0x200000
wait drain
freeTable 0x100002000
${lines}`);
  const kinds = (lines: string): string[] => [...new Set(moved(lines).map((f) => f.split(" ")[0]!))];

  it("is a new one where it is written behind its freeTable", () => {
    expect(moved(`fill 0x100002000[0] = 0x1000001003\nbarrier\n${link}`)).toEqual([]);
    expect(
      moved(`fill 0x100002000[9] = 0\nbarrier\n${link}store 0x100002000[0] = 0x1000001003\nbarrier`),
    ).toEqual([]);
    expect(moved(`${link}store 0x100002000[0] = 0x1000001003\nbarrier`)).toEqual([]);
    expect(kinds(`${link}fill 0x100002000[0] = 0x1000001003\nbarrier`)).toEqual(["V08"]);
  });

  it("is the freed one where it is linked and not written", () => {
    expect(kinds(link)).toContain("V07");
  });

  it("is none where nothing tells of it", () => {
    expect(kinds("store 0x100001000[1] = 0x100007003\nbarrier")).toContain("V13");
    expect(
      kinds("store 0x100001000[1] = 0x100007003\nbarrier\nstore 0x100007000[0] = 0x1000001003\nbarrier"),
    ).toEqual([]);
  });

  it("was an empty one where there is only its freeTable", () => {
    const nothing = HEAD.replace(/^map old.*$/m, "").replace(/^table 0x100002000.*$/m, "");
    expect(findings(`${nothing}freeTable 0x100009000`)).toEqual([]);
  });
});
