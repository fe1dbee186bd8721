import { describe, expect, it } from "vitest";
import { check, inputOf } from "../../src/check/index.ts";
import { parseScript } from "../../src/edit-script/index.ts";

/* What docs/edit-script.md says of drains. */
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
