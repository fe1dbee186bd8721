import { describe, expect, it } from "vitest";
import { callInputs, check } from "../../src/check/index.ts";
import { parseRecording } from "../../src/edit-script/index.ts";

const PAGES = 12;
/** Page k translates to frame 0x1000000 + 3k, so that none continues its neighbour's. */
const entryOf = (page: number, low: string): string =>
  `0x1000${(page * 3).toString(16).padStart(3, "0")}${low}`;
const iovaOf = (page: number): string => `0x${(page * 0x1000).toString(16)}`;
const mapOf = (page: number, rights: "r" | "rw"): string =>
  `iova=${iovaOf(page)} size=0x1000 frame=0x1000${(page * 3).toString(16).padStart(3, "0")}000 rights=${rights}`;
const all = Array.from({ length: PAGES }, (_, page) => page);

const HEAD = `hitless-edit-script 1 vtd-ss-39-ad
domain 1 root=0x100000000
table 0x100000000[0] = 0x100001003
table 0x100001000[0] = 0x100002003
table 0x100002000[0] = ${all.map((page) => entryOf(page, "003")).join(" ")}
${all.map((page) => `map old ${mapOf(page, "rw")}`).join("\n")}`;

const protect = (page: number): string =>
  `map remove iova=${iovaOf(page)} size=0x1000
map add ${mapOf(page, "r")}
exchange 0x100002000[${page}] = ${entryOf(page, "001")} expected=${entryOf(page, "003")}`;
const invalidate = (page: number, more = ""): string => `invalidate iova=${iovaOf(page)} size=0x1000${more}`;
const collect = (page: number): string => `collect 0x100002000[${page}]`;
const settle = (page: number): string => `barrier\n${invalidate(page)}\nwait drain`;

/** Call, class and pages of everything that is found in calls whose lines are given. */
function foundIn(...calls: readonly (readonly string[])[]): string[] {
  const text = `${HEAD}\n${calls.map((lines) => `call\n${lines.join("\n")}`).join("\n")}\n`;
  return [...callInputs(parseRecording(text))].flatMap(({ input }, call) => {
    const { findings } = check(input);
    expect(check(input, { acceptPlain: false, collapse: false }).findings).toEqual(findings);
    return findings.map(
      (found) =>
        `call ${call + 1}: ${found.class} ${found.ranges.map((r) => `${r.start}-${r.end - 1}`).join(" ")}`,
    );
  });
}

describe("dirty bits that a step takes", () => {
  it("are all told where each leaf is dropped and drained before the next page's turn", () => {
    expect(foundIn(all.flatMap((page) => [protect(page), settle(page), collect(page)]))).toEqual([]);
  });

  it("are told too where the collects come first, as long as the call waits", () => {
    const first = all.flatMap((page) => [protect(page), collect(page)]);
    expect(foundIn([...first, ...all.map(settle)])).toEqual([]);
  });

  it("are told where the invalidations of all other pages come first", () => {
    const backwards = all.toReversed().map((page) => invalidate(page));
    expect(
      foundIn([...all.map(protect), "barrier", ...backwards, "wait drain", ...all.map(collect)]),
    ).toEqual([]);
  });

  it("are lost where a call returns before the last write is performed", () => {
    const last = PAGES - 1;
    const wrong: readonly (readonly [why: string, lines: readonly string[], then?: readonly string[]])[] = [
      ["not drained", [protect(last), "barrier", invalidate(last), "wait", collect(last)]],
      [
        "drained by another call",
        [protect(last), "barrier", invalidate(last), "wait", collect(last)],
        ["wait drain"],
      ],
      ["never dropped", [collect(last), "barrier\nwait drain"]],
      ["dropped before", ["barrier", invalidate(last), "wait drain", collect(last)]],
      [
        "dropped from some caches",
        [collect(last), "barrier", invalidate(last, " caches=iotlb"), "wait drain"],
      ],
      ["another dropped", [collect(last), "barrier", invalidate(6), "wait drain"]],
    ];
    const right = (page: number): string[] => [protect(page), settle(page), collect(page)];
    for (const [why, lines, then = []] of wrong) {
      const found = foundIn(
        all.flatMap((page) => (page === last ? lines : right(page))),
        then,
      );
      expect(found, why).toEqual([`call 1: V10 ${last}-${last}`]);
    }
  });
});
