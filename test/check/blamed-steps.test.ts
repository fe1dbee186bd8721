import { describe, expect, it } from "vitest";
import { type CheckOptions, check, inputOf } from "../../src/check/index.ts";
import { parseScript } from "../../src/edit-script/index.ts";

const HEAD = `hitless-edit-script 1 vtd-ss-39
domain 1 root=0x100000000
table 0x100000000[0] = 0x100001003
`;

/** Class and cause of each finding, and the line of the step that is blamed. */
function blamed(body: string, options: CheckOptions = {}) {
  const file = parseScript(HEAD + body, "blamed.script");
  return check(inputOf(file), options).findings.map((f) => ({
    what: `${f.class} ${f.cause}`,
    line: (HEAD + body).split("\n")[(file.stepLines.at(f.causeStep - 1) ?? 0) - 1],
    mode: f.mode,
    events: f.events,
  }));
}
const named = (body: string): string[] => blamed(body).map(({ what, line }) => `${what}: ${line}`);

const elsewhere = "invalidate caches=iotlb+walk iova=0x400000 size=0x200000";

describe("the step that a cause names", () => {
  it("is the invalidation of the page that does not reach the device's own cache, not an earlier one of others", () => {
    expect(
      named(`table 0x100001000[0] = 0x1000000083
map old iova=0 size=0x200000 frame=0x1000000000
map new iova=0 size=0x200000 frame=0x1000000000
map new iova=0x400000 size=0x200000 frame=0x1000400000
store 0x100001000[2] = 0x1000400083
barrier
${elsewhere}
wait drain
fill 0x10000c000[0] = 0x1000000003 count=512 stride=0x1000
barrier
store 0x100001000[0] = 0x10000c003
barrier
invalidate caches=iotlb+walk iova=0 size=0x200000
wait drain`),
    ).toEqual(["V04b no-ATC: invalidate caches=iotlb+walk iova=0 size=0x200000"]);
  });

  it("is the invalidation of the page that is posted too early, however many others are posted before", () => {
    const pages = Array.from({ length: 8 }, (_, page) => {
      const store = `store 0x100002000[${page}] = 0\nbarrier`;
      const invalidate = `invalidate scope=leaf iova=0x${page}000 size=0x1000`;
      const first = page === 5 ? `${invalidate}\n${store}` : `${store}\n${invalidate}`;
      return `${first}\nwait drain\nunpin 0x100000${page}000 size=0x1000`;
    });
    expect(
      named(`table 0x100001000[0] = 0x100002003
table 0x100002000[0] = 0x1000000003 count=8 stride=0x1000
keep 0x100002000
map old iova=0 size=0x8000 frame=0x1000000000
map new none
${pages.join("\n")}`),
    ).toEqual(["V06 order: invalidate scope=leaf iova=0x5000 size=0x1000"]);
  });

  it("is the one of the violation at hand where the page shows another of another cause", () => {
    const body = `caches iotlb+walk
table 0x100001000[0] = 0x100002003
table 0x100002000[3] = 0x1000003003 count=2 stride=0x1000
map old iova=0x3000 size=0x2000 frame=0x1000003000
map new iova=0x3000 size=0x2000 frame=0x1000003000
map new iova=0x7000 size=0x1000 frame=0x10000c8000
fill 0x10000c000[3] = 0x1000003003
fill 0x10000c000[4] = 0x1000004003
fill 0x10000c000[7] = 0x10000c8003
fill 0x10000a000[0] = 0x10000b003
barrier
setRoot domain=1 root=0x10000a000 tag=9
barrier
fill 0x10000b000[0] = 0x10000c003
invalidate domain=1 caches=context
wait
invalidate all domain=1
wait drain
freeTable 0x100000000
freeTable 0x100001000
freeTable 0x100002000
invalidate all domain=9
wait drain`;
    const found = blamed(body).filter(({ what }) => what.startsWith("V05"));
    expect(found.map(({ what, line }) => `${what}: ${line}`)).toEqual([
      "V05 no-barrier: fill 0x10000b000[0] = 0x10000c003",
    ]);
  });
});

describe("a page that is missing after the return", () => {
  const unpublished = `caches iotlb+walk
map old none
map new iova=0x7000 size=0x1000 frame=0x10000c8000
fill 0x10000b000[6] = 0
barrier
store 0x100001000[0] = 0x10000b003
barrier
store 0x10000b000[7] = 0x10000c8003`;

  it("is said to show only where stores become visible late, if so it is", () => {
    expect(blamed(unpublished).map(({ what, mode }) => [what, mode])).toEqual([["V05 no-barrier", "weak"]]);
    expect(blamed(unpublished, { mode: "strong" })).toEqual([]);
  });

  it("is met by an access that begins behind it", () => {
    const loads = blamed(unpublished)[0]!.events.filter(({ text }) => text.startsWith("loads"));
    expect(loads.map(({ step }) => step)).toEqual([5, 5, 5]);
    expect(loads.at(-1)!.text).toContain("overwritten but still readable");
  });
});

describe("the invalidation that a cause names", () => {
  const before = `table 0x100001000[0] = 0x100002003
table 0x100002000[3] = 0x1000003003 count=2 stride=0x1000
map old iova=0x3000 size=8K frame=0x1000003000
`;
  const clear = "storeRun 0x100002000[3] = 0 count=2 stride=0\nbarrier\n";
  const unpin = "unpin 0x1000003000 size=8K";
  const all = "invalidate iova=0x3000 size=8K";

  it("is the one that nothing waits for, not one in front of the store that something does", () => {
    expect(named(`${before}invalidate all\nwait drain\n${clear}${all}\n${unpin}`)).toEqual([
      `V06 no-wait: ${all}`,
    ]);
  });

  it("is the one behind the store that names another tag", () => {
    const tag9 = "invalidate domain=9 iova=0x3000 size=8K";
    const early = "invalidate domain=9 iova=0x3000 size=4K\nwait drain";
    expect(named(`tag 9\n${before}${early}\n${clear}${tag9}\nwait drain\n${unpin}`)).toEqual([
      `V06 wrong-tag: ${tag9}`,
    ]);
    const own = "qi 0x100e2 0 iommu=0";
    const two = `caches iotlb+walk\ndomain 2 root=0x100000000 iommu=1 did=1\n${before}qi 0x100e2 0 iommu=0\nqi 0x100e2 0 iommu=1\nwait drain\n`;
    expect(named(`${two}${clear}${own}\nwait drain\n${unpin}`)).toEqual([`V06 wrong-tag: ${own}`]);
  });

  it("is the one of two for different caches that does not reach the pages", () => {
    const short = (caches: string): string => `invalidate caches=${caches} iova=0x3000 size=4K`;
    const whole = (caches: string): string => `invalidate caches=${caches} iova=0x3000 size=8K`;
    const told = (...lines: readonly string[]): string[] =>
      named(`${before}${clear}${lines.join("\n")}\nwait drain\n${unpin}`);
    expect(told(short("iotlb+walk"), whole("atc"))).toEqual([`V06 under-range: ${short("iotlb+walk")}`]);
    expect(told(whole("iotlb+walk"), short("atc"))).toEqual([`V06 under-range: ${short("atc")}`]);
  });
});

describe("the flush of one page among those of others", () => {
  const BEFORE = `tag 2
table 0x100001000[0] = 0x100002003
table 0x100002000[0] = 0x1000000003 count=4 stride=0x1000
map old iova=0 size=16K frame=0x1000000000
`;
  const flush = (page: number, domain = 1): string =>
    `invalidate domain=${domain} iova=${page * 4096} size=4K`;
  const unmapped = (early: readonly string[], flushes: readonly string[]): string[] =>
    named(`${BEFORE}${early.map((line) => `${line}\n`).join("")}storeRun 0x100002000[0] = 0 count=4 stride=0
barrier
${flushes.join("\n")}
wait drain
unpin 0x1000000000 size=16K`);
  const others = [flush(0), flush(2), flush(3)];

  it("is the one to blame, not theirs, where it has a tag of nobody here", () => {
    expect(unmapped([], [flush(0), flush(1, 2), flush(2), flush(3)])).toEqual([
      `V06 wrong-tag: ${flush(1, 2)}`,
    ]);
    // Who shares the tables is flushed for the same pages, and has nothing to do with a range that is too short.
    const shared = "invalidate domain=2 iova=0 size=16K";
    const short = "invalidate domain=1 iova=0 size=12K";
    expect(unmapped([], [shared, short])).toEqual([`V06 under-range: ${short}`]);
  });

  it("is the one to blame where it comes before the store", () => {
    expect(unmapped([flush(1)], others)).toEqual([`V06 order: ${flush(1)}`]);
    const foreign = "invalidate domain=2 iova=0 size=16K";
    expect(unmapped([flush(1)], [...others, foreign])).toEqual([`V06 order: ${flush(1)}`]);
  });

  it("is the one to blame where it has an address that nothing happens to", () => {
    expect(unmapped([], [flush(0), flush(7), flush(2), flush(3)])).toEqual([`V06 under-range: ${flush(7)}`]);
  });
});

describe("the step that is said to write the wrong thing", () => {
  it("is the link that denies an access, not the leaf below it that grants it", () => {
    expect(
      named(`table 0x100001000[1] = 0
map new iova=0 size=4K frame=0x1000000000
fill 0x100002000[0] = 0x1000000003
barrier
store 0x100001000[0] = 0x100002001
barrier`),
    ).toEqual(["V05 plan: store 0x100001000[0] = 0x100002001"]);
    expect(
      named(`table 0x100001000[0] = 0x1000000083
map old iova=0 size=2M frame=0x1000000000
map new iova=0 size=2M frame=0x1000000000
fill 0x100002000[0] = 0x1000000003 count=512 stride=0x1000
barrier
store 0x100001000[0] = 0x100002001
barrier
invalidate iova=0 size=2M
wait drain`),
    ).toEqual(["V01 plan: store 0x100001000[0] = 0x100002001"]);
  });

  it("is the fill of the page, not that of its neighbours which goes on as it does", () => {
    const filled = (last: string): string[] =>
      named(`map new iova=0 size=8K frame=0x1000000000
map new iova=0x2000 size=4K frame=0x1000002000 rights=r
fill 0x100003000[0] = 0x1000000003
fill 0x100003000[1] = 0x1000001003
${last}
barrier
store 0x100001000[0] = 0x100003003
barrier`);
    const wrong = "fill 0x100003000[2] = 0x1000002003";
    expect(filled(wrong)).toEqual([`V03 plan: ${wrong}`]);
    const [found] = blamed(`map new iova=0 size=4K frame=0x1000000000
fill 0x100003000[0] = 0x1000000003
fill 0x100003000[1] = 0x1000001003
barrier
store 0x100001000[0] = 0x100003003
barrier`);
    expect([found!.what, found!.line]).toEqual(["V02 plan", "fill 0x100003000[1] = 0x1000001003"]);
    const loads = found!.events.filter(({ text }) => text.startsWith("loads")).map(({ text }) => text);
    expect(loads.at(-1)).toBe("loads level 0 0x100003000[1]: 0x0000001000001003 (stored by step 2)");
  });

  it("is not one that would take away what is wrong by being the last word on the entry", () => {
    expect(
      named(`map new iova=0 size=4K frame=0x1000000000 rights=r
fill 0x100002000[0] = 0 count=512 stride=0
fill 0x100002000[0] = 0x1000000003
barrier
store 0x100001000[0] = 0x100002003
barrier`),
    ).toEqual(["V03 plan: fill 0x100002000[0] = 0x1000000003"]);
    expect(
      named(`map new iova=0x40000000 size=4K frame=0x1000000000
fill 0x100005000[0] = 0 count=512 stride=0
fill 0x100002000[0] = 0x1000000003
fill 0x100002000[1] = 0x1000001003
fill 0x100005000[0] = 0x100002003
barrier
store 0x100000000[1] = 0x100005003
barrier`),
    ).toEqual(["V02 plan: fill 0x100002000[1] = 0x1000001003"]);
  });
});

describe("an invalidation that is missing between a link and a store below it", () => {
  const split = (last: string): string[] =>
    named(`table 0x100001000[0] = 0x1000000083
map old iova=0 size=2M frame=0x1000000000
map new iova=0 size=4K frame=0x1000800000
map new iova=0x1000 size=0x1ff000 frame=0x1000001000
fill 0x100002000[0] = 0x1000000003 count=512 stride=0x1000
barrier
store 0x100001000[0] = 0x100002003
barrier
store 0x100002000[0] = 0x1000800003
barrier
${last}`);

  it("is the cause of leaves of two sizes, though the last is missing too", () => {
    expect(split("")).toEqual([
      "V04 missing-inv: barrier",
      "V09 missing-inv: store 0x100002000[0] = 0x1000800003",
    ]);
    expect(split("invalidate iova=0x1000 size=0x1000\nwait drain\nunpin 0x1000000000 size=4K")).toContain(
      "V09 missing-inv: store 0x100002000[0] = 0x1000800003",
    );
  });

  it("is told once, with the frame that is given back, where one cause makes both", () => {
    expect(split("unpin 0x1000000000 size=4K")).toEqual(["V06 missing-inv: unpin 0x1000000000 size=4K"]);
  });
});

describe("a leaf that only a device's own cache keeps", () => {
  it("is said to be dropped by the IOTLB", () => {
    const [found] = blamed(`table 0x100001000[0] = 0x1000000083
map old iova=0 size=0x200000 frame=0x1000000000
map new iova=0 size=0x200000 frame=0x1000000000
fill 0x10000c000[0] = 0x1000000003 count=512 stride=0x1000
barrier
store 0x100001000[0] = 0x10000c003
barrier
invalidate caches=iotlb+walk iova=0 size=0x200000
wait drain`);
    const told = found!.events.slice(-2).map(({ who, text }) => `${who}: ${text}`);
    expect(told[0]).toBe("caches: IOTLB drops it, the ATC keeps it");
    expect(told[1]).toContain("after the return");
  });
});

describe("what leads to tables that say something else", () => {
  /** The context entry keeps three levels, although its root has become one of four. */
  const TALL = `hitless-edit-script 1 vtd-ss-48
domain 1 root=0x100000000 levels=3
table 0x100000000[0] = 0x100001003
table 0x100001000[0] = 0x100002003
table 0x100002000[0] = 0x1000000003 count=4 stride=0x1000
map old iova=0 size=0x4000 frame=0x1000000000
map new iova=0 size=0x4000 frame=0x1000000000
fill 0x100005000[0] = 0x100000003
barrier
setRoot root=0x100005000 levels=3
barrier
invalidate caches=context
wait
invalidate all
wait drain`;

  it("is blamed where the entry that is met was there before, and is loaded at the level it is met at", () => {
    const file = parseScript(TALL, "tall.script");
    const { findings } = check(inputOf(file));
    expect(findings.map((f) => `${f.class} ${f.cause} ${f.causeStep}`)).toEqual(["V02 plan 1", "V01 plan 1"]);
    const loads = findings[0]!.events.filter(({ text }) => text.startsWith("loads")).map(({ text }) => text);
    expect(loads).toEqual([
      "loads level 2 0x100005000[0]: 0x0000000100000003 (stored by step 1)",
      "loads level 1 0x100000000[0]: 0x0000000100001003 (as before the script)",
      "loads level 0 0x100001000[0]: 0x0000000100002003 (as before the script)",
    ]);
  });
});

describe("a pin that is given back twice", () => {
  it("is blamed on the last of those who give it back", () => {
    expect(
      named(`table 0x100001000[0] = 0x100002003
table 0x100002000[0] = 0x1000000003 count=4 stride=0x1000
map old iova=0 size=0x4000 frame=0x1000000000
pins 0x1000000000 size=0x4000
map new iova=0 size=0x3000 frame=0x1000000000
store 0x100002000[3] = 0
barrier
invalidate iova=0x3000 size=0x1000
wait drain
unpin 0x1000002000 size=0x2000
unpin 0x1000003000 size=0x1000
pins 0x1000002000 size=0x1000`),
    ).toEqual(["V12 double: unpin 0x1000003000 size=0x1000"]);
  });
});

describe("context entries that are dropped under another tag than they had", () => {
  it("are blamed, and not the root switch before them", () => {
    expect(
      named(`table 0x100001000[0] = 0x100002003
table 0x100002000[0] = 0x1000000003 count=2 stride=0x1000
table 0x100005000[0] = 0x100001003
table 0x100008000[0] = 0x100009003
table 0x100009000[0] = 0x10000a003
table 0x10000a000[0] = 0x1000000003
map old iova=0x0 size=0x2000 frame=0x1000000000
map new iova=0x0 size=0x1000 frame=0x1000000000
keep 0x100000000
keep 0x100001000
keep 0x100002000
keep 0x100005000
setRoot domain=1 root=0x100005000 tag=20
barrier
invalidate domain=1 caches=context
wait
invalidate all domain=1
wait drain
setRoot domain=20 root=0x100008000 tag=21
barrier
invalidate domain=1 caches=context scope=leaf
wait
invalidate all domain=20
wait drain`),
    ).toEqual(["V04 wrong-tag: invalidate domain=1 caches=context scope=leaf"]);
  });
});
