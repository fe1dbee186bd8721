import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dominant } from "../../src/check/rules/dominance.ts";
import type { Group } from "../../src/check/rules/groups.ts";
import { RULES, type ViolationClass } from "../../src/check/rules/violation-class.ts";

const classes = Object.keys(RULES) as ViolationClass[];
const group = (kind: ViolationClass): Group => ({
  class: kind,
  shows: kind,
  domain: 1,
  ranges: [{ start: 0, end: 8 }],
  example: {} as Group["example"],
  cause: "plan",
  causeStep: 3,
  isWeakOnly: false,
  isEverywhere: false,
  gap: null,
  crowd: null,
  members: [],
});
const left = (kinds: readonly ViolationClass[]) => dominant(kinds.map(group)).map((g) => g.class);

describe("dominance", () => {
  it("never lets classes of one cause hide each other until nothing is left", () => {
    for (const a of classes)
      for (const b of classes) {
        expect(left([a, b]), `${a} ${b}`).not.toEqual([]);
        for (const c of classes) expect(left([a, b, c]), `${a} ${b} ${c}`).not.toEqual([]);
      }
    expect(left(classes)).not.toEqual([]);
  });

  it("reports a foreign frame that is unpinned as well as a foreign frame", () => {
    expect(left(["V02", "V06", "V09"])).toEqual(["V02"]);
  });

  it("reports too many rights of a new leaf size as too many rights", () => {
    expect(left(["V09", "V03"])).toEqual(["V03"]);
  });

  it("reports the other side of a violation under no name of its own, whatever its cause was named", () => {
    const other = (kind: ViolationClass): Group => ({ ...group(kind), cause: "missing-inv", causeStep: 1 });
    const found = (...groups: Group[]): string[] => dominant(groups).map((g) => g.class);
    expect(found(group("V06"), other("V04"), other("V04b"))).toEqual(["V06"]);
    expect(found(group("V03"), other("V09"))).toEqual(["V03"]);
    expect(found(group("V02"), other("V09"))).toEqual(["V02"]);
    expect(found(group("V01"), other("V09"))).toEqual(["V01", "V09"]);
    expect(found(group("V01"), other("V10"))).toEqual(["V01"]);
    expect(found(group("V01b"), other("V10"))).toEqual(["V01b"]);
    expect(found(group("V04b"), other("V10"))).toEqual(["V04b"]);
    expect(found(group("V05"), other("V10"))).toEqual(["V05", "V10"]);
  });

  it("leaves exactly the pages that nothing explains", () => {
    const ranges = fc
      .array(fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 4 })), { maxLength: 6 })
      .map((list) => {
        let end = 0;
        return list.map(([gap, pages]) => {
          const start = end + gap;
          return { start, end: (end = start + pages) };
        });
      });
    const pages = (of: readonly { start: number; end: number }[]): number[] =>
      of.flatMap(({ start, end }) => Array.from({ length: end - start }, (_, i) => start + i));
    fc.assert(
      fc.property(ranges, ranges, ranges, (shown, some, others) => {
        const groups = [
          { ...group("V04"), ranges: shown },
          { ...group("V06"), ranges: some },
          { ...group("V02"), ranges: others },
        ];
        const left = dominant(groups).find((g) => g.class === "V04")?.ranges ?? [];
        const explained = new Set([...pages(some), ...pages(others)]);
        expect(pages(left)).toEqual(pages(shown).filter((page) => !explained.has(page)));
      }),
      { seed: 1, numRuns: 500 },
    );
  });

  it("keeps what lies outside of the pages that explain it", () => {
    const far = { ...group("V09"), ranges: [{ start: 4, end: 12 }] };
    expect(dominant([group("V03"), far]).map((g) => [g.class, g.ranges])).toEqual([
      ["V03", [{ start: 0, end: 8 }]],
      ["V09", [{ start: 8, end: 12 }]],
    ]);
  });
});
