import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  EditScript,
  parseRecording,
  parseScript,
  printScript,
  type ScriptFile,
  ScriptTextError,
  type Step,
} from "../../src/edit-script/index.ts";
import { anyBefore, anyIoctls, anyMap } from "./any-script.ts";

const HEAD = "hitless-edit-script 1 vtd-ss-48\ndomain 1 root=0x100000000\n";
const parseSteps = (lines: string): Step[] => [...parseScript(HEAD + lines).script];

describe("text form of an edit script", () => {
  it("reads each kind of step", () => {
    expect(
      parseSteps(`
        fill 0x100001000[2] = 0x1000003 count=4 stride=0x1000 u=7   # a comment
        gather 0x100001000[6] = 0x3 0x5003 u=7
        barrier
        clean 0x100001000[0] count=512
        store 0x100000000[3]=0x100001003 u=7
        store 0x100000020 = 0
        storeRun 0x100000000[5] = 0x83 count=2 stride=0x200000
        exchange 0x100000000[9] = 0x1003 expected=0x2003
        invalidate scope=leaf caches=iotlb+walk iova=0x200000 size=0x200000
        wait
        wait drain
        wait drain iommu=0
        freeTable 0x100002000
        unpin 0x1000000000 size=0x3000
        window open iova=0 size=4096
        setRoot root=0x100005000 levels=4
        setRoot u=7 root=0x100006000 tag=9
        invalidate caches=context
        invalidate domain=9 caches=walk iova=0 size=4096`),
    ).toEqual([
      { op: "fill", update: 7, table: 0x100001, index: 2, count: 4, first: 0x1000003n, stride: 0x1000n },
      { op: "gather", update: 7, table: 0x100001, index: 6, entries: [3n, 0x5003n] },
      { op: "barrier" },
      { op: "clean", table: 0x100001, index: 0, count: 512 },
      { op: "store", update: 7, table: 0x100000, index: 3, entry: 0x100001003n },
      { op: "store", update: 8, table: 0x100000, index: 4, entry: 0n },
      { op: "storeRun", update: 9, table: 0x100000, index: 5, count: 2, first: 0x83n, stride: 0x200000n },
      { op: "exchange", update: 10, table: 0x100000, index: 9, entry: 0x1003n, expected: 0x2003n },
      { op: "invalidate", domain: 1, scope: "leaf", caches: 3, iovaPfn: 512, pages: 512 },
      { op: "wait", drain: false },
      { op: "wait", drain: true },
      { op: "wait", drain: true, iommu: 0 },
      { op: "freeTable", table: 0x100002 },
      { op: "unpin", pfn: 0x1000000, pages: 3 },
      { op: "window", state: "open", domain: 1, iovaPfn: 0, pages: 1 },
      { op: "setRoot", update: 11, domain: 1, root: 0x100005, levels: 4, tag: 1 },
      { op: "setRoot", update: 7, domain: 1, root: 0x100006, levels: 4, tag: 9 },
      { op: "invalidate", domain: 1, scope: "nonLeaf", caches: 8, iovaPfn: 0, pages: 2 ** 36 },
      { op: "invalidate", domain: 9, scope: "nonLeaf", caches: 2, iovaPfn: 0, pages: 1 },
    ]);
  });

  it("numbers updates behind the highest of the text, and leaves those that are numbered as they are, also 0", () => {
    const lines = ["", " u=0", " u=3", "", "\tu=0", "\t", " u=1"].map((u, i) => `store 0x1000[${i}] = 0${u}`);
    const updates = (text: string): unknown[] =>
      parseSteps(text).map((step) => "update" in step && step.update);
    expect(updates(`${lines.join("\n")}\n\n`)).toEqual([4, 0, 3, 5, 0, 6, 1]);
    expect(updates("store 0x1000[0] = 0\nbarrier\nstore 0x1000[0] = 1\n\n")).toEqual([1, false, 2]);
  });

  it("resolves a map given by vaddr through the backing lines", () => {
    const file = parseScript(
      `${HEAD}map old iova=0x1000 size=0x3000 vaddr=0x7000 rights=r
       map new none
       backing vaddr=0x8000 size=0x8000 frame=0xa0000000
       backing vaddr=0x7000 size=0x1000 frame=0x90000000
       backing vaddr=0xc000 size=0x8000 frame=0xa0004000`,
    );
    expect(file.oldMap).toEqual([
      { iovaPfn: 1, pages: 1, pfn: 0x90000, rights: 1 },
      { iovaPfn: 2, pages: 2, pfn: 0xa0000, rights: 1 },
    ]);
  });

  it.each([
    ["", 1, "the text is empty"],
    ["edit 1 vtd-ss-48", 1, 'not "edit 1 vtd-ss-48"'],
    ["hitless-edit-script 2 vtd-ss-48", 1, "version 2 is not known"],
    [
      "hitless-edit-script 1 arm",
      1,
      'capability "arm" is none of vtd-ss-39, vtd-ss-48, vtd-ss-57, each with any of -cm, -nc, -ad behind it, in this order',
    ],
    ["hitless-edit-script 1 vtd-ss-48\nbarrier", 2, 'no "domain" line'],
    [`${HEAD}stroe 0x1000[0] = 3`, 3, '"stroe" is no statement'],
    [`${HEAD}\n# x\nstore 0x1234[0] = 3`, 5, "table 0x1234 is no multiple of 4096"],
    [`${HEAD}store 0x1000[512] = 3`, 3, "index 512 is over 511"],
    [`${HEAD}store 0x1000[0] = 3 4`, 3, "exactly one entry"],
    [`${HEAD}store 0x1000[0]`, 3, "exactly one entry"],
    [`${HEAD}store 0x1004 = 3`, 3, "is no multiple of 8"],
    [`${HEAD}store 0x1000[0] = 0x1ffffffffffffffff`, 3, "does not fit into 64 bits"],
    [`${HEAD}store 0x1000[0] = 3 v=1`, 3, 'takes no option "v"'],
    [`${HEAD}store 0x1000[0] = 3 u=1 u=2`, 3, '"u" is given twice'],
    [`${HEAD}fill 0x1000[500] = 3 count=13`, 3, "entries 500 to 512 leave the table"],
    [`${HEAD}fill 0x1000[0] = 3 count=0`, 3, "count must be at least 1"],
    [`${HEAD}fill 0x1000[0] = 3 count=2`, 3, "fill needs stride=, 0 where 2 entries alike are meant"],
    [`${HEAD}storeRun 0x1000[0] = 3 count=3`, 3, "storeRun needs stride="],
    [
      `${HEAD}fill 0x1000[0] = 0xfffffffffffff003 count=2 stride=0x1000`,
      3,
      "stride= leaves the address bits before entry 1: bit 51 is the last of them",
    ],
    [`${HEAD}table 0x1000[0] = 0xfffffffffe003 count=3 stride=0x1000\n`, 3, "before entry 2"],
    [`${HEAD}storeRun 0x1000[4] = 0x2003 count=4 stride=0xfffffffffffff000\n`, 3, "before entry 7"],
    [`${HEAD}fill 0x1000[0] = 3 count=2 stride=0x7ff0000000000000\n`, 3, "stride= leaves"],
    [
      `${HEAD}invalidate iova=0x1000000000000 size=4K\n`,
      3,
      "iova 0x1000000000000 lies past 0xffffffffffff, the last",
    ],
    [`${HEAD}invalidate iova=0x1000000000000 am=0`, 3, "lies past 0xffffffffffff"],
    [`${HEAD}window open iova=0x1000000000000 size=4K`, 3, "lies past 0xffffffffffff"],
    [
      `${HEAD}invalidate iova=0xfffffffffffff000 size=0x2000\n`,
      3,
      "iova 0xfffffffffffff000 and size 0x2000 add up to more than 64 bits",
    ],
    [`${HEAD}invalidate iova=0x2000 size=0xfffffffffffff000`, 3, "add up to more than 64 bits"],
    [`${HEAD}pins none\npins 0 size=4K\n`, 4, "pins are given, and are none above"],
    [`${HEAD}pins 0 size=4K\npins none`, 4, "pins are none, and some are given above"],
    [
      `${HEAD}backing vaddr=0 size=0x2000 frame=0\nbacking vaddr=0x1000 size=0x1000 frame=0x5000`,
      4,
      "vaddr 0x1000 is backed by frame 0x1000 above, and by another here",
    ],
    [`${HEAD}invalidate iova=0 size=0`, 3, "size must not be 0"],
    [`${HEAD}invalidate iova=0 size=4096 scope=all`, 3, 'scope "all" is neither'],
    [`${HEAD}invalidate iova=0 size=4096 caches=l2`, 3, 'cache "l2" is none of'],
    [`${HEAD}invalidate domain=2 iova=0 size=4096`, 3, 'domain 2 has no "domain" line'],
    [`${HEAD}domain 1 root=0x2000`, 3, "domain 1 is given twice"],
    [`${HEAD}map old iova=0 size=4096`, 3, "either frame= or vaddr="],
    [`${HEAD}map mid iova=0 size=4096 frame=0`, 3, 'map "mid" is neither'],
    [`${HEAD}map old iova=0 size=8192 frame=0\nmap old iova=4096 size=4096 frame=0`, 4, "overlaps"],
    [
      `${HEAD}map new iova=0 size=4096 vaddr=0x5000`,
      3,
      "no backing line says which frame is behind vaddr 0x5000",
    ],
    ["hitless-edit-script 1 vtd-ss-48 now", 1, 'the header does not take "now"'],
    ["h\0i\0t\0", 1, "no plain text: it holds zero bytes"],
    ["\u001b[31mred", 1, 'not "?[31mred"'],
    [`${HEAD}store ${"9".repeat(100_000)}`, 3, "99 … 99"],
    [`${HEAD}table 0x1000[0] = 3 count=4\ntable 0x1000[3] = 5`, 4, "entry 3 of this table is 0x3 above"],
    [
      `${HEAD}map new iova=0xfffffffff000 size=8K frame=0`,
      3,
      "map reaches past 0xffffffffffff, the last IOVA",
    ],
    [`${HEAD}map old iova=0xfffffffffffff000 size=8K frame=0`, 3, "that tables of 4 levels translate"],
    [`${HEAD}map new iova=0 size=4K frame=0 rights=toString`, 3, 'rights "toString" is none of'],
    [`${HEAD}invalidate caches=constructor iova=0 size=4K`, 3, 'cache "constructor" is none of'],
    [`${HEAD}toString`, 3, '"toString" is no statement'],
    [`${HEAD}store 0x1000[0`, 3, 'entry address "0x1000[0" is no number'],
    [`${HEAD}invalidate iova=0x`, 3, 'iova "0x" is no number'],
    [`${HEAD}map new iova=0 size=2M fra`, 3, 'map does not take "fra"'],
    [`${HEAD}store 0x100002000[0] 0x1`, 3, 'store needs "=" before "0x1"'],
    [`${HEAD}fill 0x100002000[0] 0x1 count=2`, 3, 'fill needs "=" before "0x1"'],
    [`${HEAD}clean 0x100002000[0] 8`, 3, 'clean does not take "8"'],
    [`${HEAD}fill 0x100002000[0] = 3 count=2 stride=-4096`, 3, 'stride "-4096" is no number'],
    [`${HEAD}invalidate iova=0 am=1 size=4K`, 3, "invalidate takes size= or am=, not both"],
    [`${HEAD}exchange 0x1000[0] = 3`, 3, "exchange needs expected="],
    [`${HEAD}pins 0 size=4K count=-1`, 3, 'count "-1" is no number'],
    [`${HEAD}domain 2 root=0x1000 levels=0`, 3, "levels must be at least 1"],
    [`${HEAD}store 0x100000000000[0] = 3`, 3, "lies above the first 16 TiB"],
    [`${HEAD}iova=0`, 3, "a statement does not begin with an option"],
    [`${HEAD}wait forever`, 3, 'or "drain"'],
    [`${HEAD}wait iommu=3`, 3, "iommu 3: no domain is behind it"],
    [`${HEAD}qi 0x25 0 iommu=3`, 3, "iommu 3: no domain is behind it"],
    [`${HEAD}invalidate global iommu=3`, 3, "no domain before this line is behind IOMMU 3"],
    [`${HEAD}invalidate iova=0 size=4K iommu=3`, 3, "iommu 3: no domain before this line is behind it"],
    [`${HEAD}qi 3 0x3000 iommu=3`, 3, "iommu 3: no domain before this line is behind it"],
    [`${HEAD}qi 2 0 0 0 0`, 3, "qi takes the words of a descriptor, at most 4, not 5"],
    [`${HEAD}invalidate domain=1 iova=0 size=4K iommu=3`, 3, "domain 1 is behind IOMMU 0, not 3"],
    [`${HEAD}wait iommu=all`, 3, 'iommu "all" is no number'],
    [`${HEAD}barrier iommu=0`, 3, 'barrier takes no option "iommu"'],
    [`${HEAD}barrier\ndomain 2 root=0x2000 iommu=1`, 4, "stands above the steps"],
    [`${HEAD}domain 2 root=0x2000 iommu=1\nsetRoot domain=2 root=0x3000 tag=1`, 4, "is one of IOMMU 0"],
    [`${HEAD}domain 2 root=0x2000 did=1`, 3, "did 1 of IOMMU 0 is that of tag 1 already"],
    [`${HEAD}domain 2 root=0x2000 did=65536`, 3, "did 65536 is over 65535"],
    [
      `${HEAD}setRoot root=0x2000 tag=9\nsetRoot domain=9 root=0x1000 tag=1 did=4`,
      4,
      "tag 1 has did 1, not 4",
    ],
    [`${HEAD}domain 2 root=0x2000 levels=5`, 3, "levels 5 is over 4, the levels of the profile"],
    [`${HEAD}setRoot root=0x2000 levels=5`, 3, "levels 5 is over 4"],
    [`${HEAD}domain 2 root=0x2000\nsetRoot domain=1 root=0x3000 tag=2`, 4, "tag 2 is taken by domain 2"],
    [
      `${HEAD}setRoot root=0x2000 tag=9\nbarrier\nsetRoot domain=1 root=0x3000`,
      5,
      "no device uses tag 1 any more: line 3 gives them tag 9, so that domain=9 names them",
    ],
    [
      `${HEAD}domain 2 root=0x2000\nsetRoot domain=1 root=0x3000 tag=9\nsetRoot domain=2 root=0x3000 tag=1`,
      5,
      "tag 1 was that of domain 1 until line 4; one call cannot give it to another",
    ],
    [`${HEAD}window close iova=0 size=4K`, 3, "no window of this call is open there"],
    [`${HEAD}window open iova=0 size=4K\nwindow close iova=4K size=4K`, 4, "no window of this call is open"],
    [`${HEAD}unpin -4096 size=4096`, 3, 'frame "-4096" is no number'],
  ])("rejects %j and says file, line and reason", (text, line, reason) => {
    let error: unknown;
    try {
      parseScript(text, "driver.script");
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(ScriptTextError);
    expect(error).toMatchObject({ file: "driver.script", line });
    expect((error as Error).message).toContain(`driver.script:${line}: `);
    expect((error as Error).message).toContain(reason);
  });

  it("lets devices come back to a tag, and later calls give it to others", () => {
    const switches = "setRoot domain=1 root=0x2000 tag=9\nsetRoot domain=9 root=0x1000 tag=1";
    expect(parseScript(`${HEAD}${switches}`).script.steps).toBe(2);
    const calls = `${HEAD}domain 2 root=0x3000\ncall\nsetRoot domain=1 root=0x2000 tag=9\ncall\nsetRoot domain=2 root=0x4000 tag=1`;
    expect(parseRecording(calls).calls.map(({ script }) => script.steps)).toEqual([1, 1]);
  });

  it("takes runs that descend, runs of zeros, and ranges that reach past the IOVA space", () => {
    const lines = [
      "fill 0x1000[0] = 0xfff0000000003003 count=4 stride=0xfffffffffffff000",
      "fill 0x1000[0] = 0 count=512",
      "fill 0x1000[0] = 0x1003",
      "storeRun 0x1000[0] = 0x1003 count=2 stride=0",
      "invalidate iova=0x1000 size=0xfffffffffffff000",
      "invalidate iova=0x1000 am=45",
    ];
    expect(parseSteps(`${lines.join("\n")}\n`)).toHaveLength(lines.length);
  });

  it("takes a file that says nothing of maps for one of empty maps", () => {
    expect(parseScript(`${HEAD}barrier`)).toMatchObject({ oldMap: [], newMap: [] });
  });

  it("gives back the same file after printing and parsing", () => {
    fc.assert(
      fc.property(anyBefore, anyMap, anyIoctls, (before, newMap, { steps, ioctls }) => {
        const script = EditScript.from(steps);
        const file: ScriptFile = { ...before, newMap, ioctls, script, stepLines: [] };
        const back = parseScript(printScript(file));
        expect([...back.script]).toEqual(steps);
        expect(back.script.words).toEqual(file.script.words);
        expect({ ...back, script: 0, stepLines: 0 }).toEqual({ ...file, script: 0, stepLines: 0 });
      }),
      { numRuns: 200 },
    );
  });
});
