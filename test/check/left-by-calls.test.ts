import { describe, expect, it } from "vitest";
import { callInputs, check, isChangeUnlikeOldMap } from "../../src/check/index.ts";
import { callScripts, parseRecording, parseScript, printRecording } from "../../src/edit-script/index.ts";

const HEAD = `hitless-edit-script 1 vtd-ss-39
domain 1 root=0x100000000
table 0x100000000[0] = 0x100001003
table 0x100001000[0] = 0x100002003
table 0x100001000[1] = 0x100003003
table 0x100002000[3] = 0x1000003003
table 0x100003000[0] = 0x1000004003
map old iova=0x3000 size=4K frame=0x1000003000
map old iova=0x200000 size=4K frame=0x1000004000
`;
const textOf = (...calls: readonly string[]): string =>
  HEAD + calls.map((lines) => `call\n${lines}\n`).join("");

/** What is found in each call. */
const foundIn = (...calls: readonly string[]): string[][] =>
  [...callInputs(parseRecording(textOf(...calls)))].map(({ input }) =>
    check(input).findings.map((f) => `${f.class} ${f.cause}: ${f.met}`),
  );

/** The steps that give a domain another root and tag, as they should be. */
const switched = (from: number, root: string, to: number): string =>
  `setRoot domain=${from} root=${root} tag=${to}
barrier
invalidate domain=${from} caches=context
wait
invalidate all domain=${from}
wait drain`;

const DROP = "barrier\ninvalidate iova=0xe00000 size=2M\nwait drain";
const NO_TABLE = "V13 plan: a malformed entry: it points to a page that holds no table";
const FREED = "V13 plan: a malformed entry: it points to a table that was freed before";

describe("a link to no table that an earlier call has left", () => {
  const link = "store 0x100001000[7] = 0x100077003\nbarrier";

  it("is no table lost by the call that takes it away, or puts a table there", () => {
    expect(foundIn(link, `store 0x100001000[7] = 0\n${DROP}`)).toEqual([[NO_TABLE], []]);
    const replaced = `map add iova=0xe00000 size=4K frame=0x1000009000
fill 0x100078000[0] = 0x1000009003
barrier
store 0x100001000[7] = 0x100078003
${DROP}`;
    expect(foundIn(link, "barrier", replaced)).toEqual([[NO_TABLE], [], []]);
  });

  it("is one of the call that stores it again", () => {
    const again = `store 0x100001000[7] = 0x100077001\n${DROP}`;
    expect(foundIn(link, again)).toEqual([[NO_TABLE], [NO_TABLE]]);
  });

  it("is a table once a call fills the page", () => {
    const filled = "fill 0x100077000[0] = 0\nbarrier";
    const lost = `store 0x100001000[7] = 0\n${DROP}`;
    const [, , leak] = foundIn(link, filled, lost);
    expect(leak).toEqual(["V12 leak: table 0x100077000 is neither reachable nor freed"]);
  });
});

describe("a table that was freed while an entry led to it", () => {
  const freed = `map remove iova=0x200000 size=4K
store 0x100003000[0] = 0
barrier
invalidate iova=0x200000 size=4K
wait drain
freeTable 0x100003000`;
  const told = "V07 double: a pointer to a freed table";

  it("is none where a later call links it elsewhere, and is where that fills it", () => {
    const elsewhere = "store 0x100001000[2] = 0x100003003\nbarrier";
    expect(foundIn(freed, elsewhere)).toEqual([[told], [FREED]]);
    const detached = "store 0x100001000[1] = 0\nbarrier\ninvalidate iova=0x200000 size=2M\nwait drain";
    const filled = `fill 0x100003000[0] = 0\nbarrier\n${elsewhere}`;
    expect(foundIn(freed, detached, filled)).toEqual([[told], [], []]);
  });

  it("is freed twice, and nothing else, where a later call frees it again", () => {
    expect(foundIn(freed, "freeTable 0x100003000")).toEqual([
      [told],
      ["V12 double: table 0x100003000 is freed twice"],
    ]);
  });

  it("is no root for a later call", () => {
    const moved = `fill 0x100010000[0] = 0x100001003
barrier
${switched(1, "0x100010000", 9)}
freeTable 0x100000000`;
    const back = `keep 0x100010000
keep 0x100001000
keep 0x100002000
keep 0x100003000
map new none
${switched(9, "0x100000000", 1)}`;
    const gone = "V13 plan: a malformed context entry: it points to a table that was freed before";
    expect(foundIn(moved, back)).toEqual([[], [gone]]);
    const filled = back.replace("setRoot", "fill 0x100000000[0] = 0\nbarrier\nsetRoot");
    expect(foundIn(moved, filled)).toEqual([[], []]);
  });
});

describe("a call about a page that an earlier call got wrong", () => {
  it("starts from tables unlike its old map, also where the map lacks what they translate", () => {
    const wrong = "store 0x100002008 = 0x1000009003\nbarrier";
    const other = "map add iova=0x2000 size=4K frame=0x1000008000\nstore 0x100002010 = 0x1000008003\nbarrier";
    const added = "map add iova=0x1000 size=4K frame=0x1000009000";
    const starts = [...callInputs(parseRecording(textOf(wrong, other, added)))].map(({ input }) =>
      isChangeUnlikeOldMap(input),
    );
    expect(starts).toEqual([false, false, true]);
  });
});

describe("a `keep` line", () => {
  const detached = `map remove iova=0x200000 size=4K
store 0x100001000[1] = 0
barrier
invalidate iova=0x200000 size=2M
wait drain`;
  const keep = "keep 0x100003000";
  const lost = "V12 leak: table 0x100003000 is neither reachable nor freed";

  it("counts from its call on", () => {
    expect(foundIn(detached, keep)).toEqual([[lost], []]);
    expect(foundIn(`${keep}\n${detached}`, "barrier")).toEqual([[], []]);
    expect(foundIn(keep, detached)).toEqual([[], []]);
  });

  it("counts until the table is given back", () => {
    const again = `map add iova=0x200000 size=4K frame=0x1000004000
fill 0x100003000[0] = 0x1000004003
barrier
store 0x100001000[1] = 0x100003003
barrier`;
    expect(foundIn(`${keep}\n${detached}`, "freeTable 0x100003000", again, detached)).toEqual([
      [],
      [],
      [],
      [lost],
    ]);
  });

  it("stands above the first call for all, and is printed in its call", () => {
    const above = parseRecording(HEAD + `${keep}\ncall\n${detached}\ncall\nkeep 0x100002000\nbarrier\n`);
    expect([...callScripts(above)].map((file) => file.keptTables)).toEqual([
      [0x100003],
      [0x100003, 0x100002],
    ]);
    const again = parseRecording(printRecording(above));
    expect([...callScripts(again)].map((file) => file.keptTables)).toEqual([
      [0x100003],
      [0x100003, 0x100002],
    ]);
    expect(parseScript(`${HEAD}${keep}\n`).keptTables).toEqual([0x100003]);
  });

  it("lets a page be used at another level without its old entries being taken for tables", () => {
    const kept = `keep 0x100001000
map new none
store 0x100000000[0] = 0
barrier
invalidate iova=0 size=1G
wait drain
freeTable 0x100002000
freeTable 0x100003000
unpin 0x1000003000 size=4K
unpin 0x1000004000 size=4K`;
    const root = `fill 0x100001000[0] = 0 count=512
barrier
${switched(1, "0x100001000", 9)}
freeTable 0x100000000`;
    expect(foundIn(kept, root)).toEqual([[], []]);
  });
});

describe("a root that an earlier call has lost", () => {
  it("hides no table that hung below what it still points to when it becomes the root again", () => {
    const away = `fill 0x100010000[0] = 0x100001003\nbarrier\n${switched(1, "0x100010000", 9)}`;
    const back = `fill 0x100012000[3] = 0x1000003003
fill 0x100013000[0] = 0x1000004003
fill 0x100011000[0] = 0x100012003
fill 0x100011000[1] = 0x100013003
fill 0x100000000[0] = 0x100011003
barrier
${switched(9, "0x100000000", 1)}
freeTable 0x100010000
freeTable 0x100001000
freeTable 0x100003000`;
    expect(foundIn(away, back)).toEqual([
      ["V12 leak: table 0x100000000 is neither reachable nor freed"],
      ["V12 leak: table 0x100002000 is neither reachable nor freed"],
    ]);
  });
});

describe("a table that an earlier call keeps", () => {
  const detached = "store 0x100001000[7] = 0\n" + DROP;
  const kept = `keep 0x100003000
map remove iova=0x200000 size=4K
store 0x100001000[1] = 0
barrier
invalidate iova=0x200000 size=2M
wait drain`;
  const lost = `fill 0x100003000[3] = 0
barrier
store 0x100001000[7] = 0x100003003
barrier
${detached}`;

  it("is kept until one gives it back: what uses the page again and loses it is told", () => {
    const [, , leak] = foundIn(kept, "freeTable 0x100003000", lost);
    const told = ["V12 leak: table 0x100003000 is neither reachable nor freed"];
    expect(leak).toEqual(told);
    expect(foundIn(kept, `freeTable 0x100003000\n${lost}`)).toEqual([[], told]);
    expect(foundIn(kept, `freeTable 0x100003000\n${lost}\nkeep 0x100003000`)).toEqual([[], []]);
    // Not given back it is kept on, with the leaf that it has.
    expect(foundIn(kept, lost)).toEqual([[], ["V02 plan: frame 0x1000004000 (read and write)"]]);
  });
});

describe("a line without domain= in a call behind a root switch", () => {
  const switchCall = `fill 0x100005000[0] = 0x100001003
barrier
${switched(1, "0x100005000", 20)}
freeTable 0x100000000`;
  const unmapped = (...dropped: readonly string[]): string => `map remove iova=0x3000 size=4K
store 0x100002000[3] = 0
barrier
${dropped.join("\n")}
wait drain
unpin 0x1000003000 size=4K`;

  it("means the tag that the domain has when the call begins", () => {
    for (const dropped of [
      ["invalidate iova=0x3000 size=4K"],
      ["invalidate iova=0x3000 am=0"],
      ["invalidate all"],
      ["qi 0x1400f2 0x3000", "qi 0x3 0x3000"],
    ])
      expect(foundIn(switchCall, unmapped(...dropped)), dropped.join()).toEqual([[], []]);
    expect(foundIn(switchCall, unmapped("invalidate domain=1 iova=0x3000 size=4K"))).toEqual([
      [],
      [expect.stringMatching(/^V06 wrong-tag/)],
    ]);
  });

  it("means, in the call that switches, the tag with which it began", () => {
    const own = switchCall.replaceAll(" domain=1", "");
    expect(own).not.toEqual(switchCall);
    expect(foundIn(own)).toEqual([[]]);
  });

  it("means the tag of the line where the root is switched again", () => {
    const again = `fill 0x100006000[0] = 0x100001003
barrier
setRoot root=0x100006000 tag=21
barrier
invalidate caches=context
wait
invalidate all
wait drain
freeTable 0x100005000`;
    expect(foundIn(switchCall, again)).toEqual([[], []]);
    const twice = parseRecording(textOf(`setRoot root=0x100005000 tag=20\nsetRoot root=0x100006000 tag=21`));
    expect([...twice.calls[0]!.script].map((step) => "domain" in step && step.domain)).toEqual([1, 20]);
  });
});

describe("a map that reaches past what the first root translates", () => {
  const far = "map add iova=0x8000000000 size=1G frame=0x2000000000";
  const head = "hitless-edit-script 1 vtd-ss-48\ndomain 1 root=0x100000000 levels=3\n";
  const grown = `fill 0x100005000[0] = 0x100000003
barrier
setRoot root=0x100005000 levels=4
barrier
invalidate caches=context
wait
invalidate all
wait drain`;
  const mapped = `${far}
fill 0x100006000[0] = 0x2000000083
barrier
store 0x100005000[1] = 0x100006003
barrier`;
  const verdicts = (...calls: readonly string[]): string[] =>
    [...callInputs(parseRecording(head + calls.map((lines) => `call\n${lines}\n`).join("")))].map(
      ({ input }) => check(input).verdict,
    );

  it("is one where the root has grown, in the call or before it", () => {
    expect(verdicts(grown, mapped)).toEqual(["clean", "clean"]);
    expect(verdicts(`${grown}\n${mapped}`)).toEqual(["clean"]);
  });

  it("is refused where it grows in a later call", () => {
    expect(() => verdicts(mapped, grown)).toThrow(/:4: map reaches past 0x7fffffffff/);
  });
});
