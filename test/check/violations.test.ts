import { describe, expect, it } from "vitest";
import { leafMet, Violations } from "../../src/check/rules/violations.ts";

const STRETCH = 0;
const origin = (step: number) => ({ table: 7, level: 0, step, until: 9 });

/** Adds pages of one table that have no translation, one after the other. */
function faults(list: Violations, start: number, end: number, step: number): void {
  for (let page = start; page < end; page++)
    list.add("V01", 1, STRETCH, origin(step), page % 512, 1, page, page + 1, step, "no translation", 1, 1);
}

describe("the list of violations", () => {
  it("makes one row of pages that differ in nothing but their place", () => {
    const list = new Violations();
    faults(list, 100, 140, 3);
    expect([...list]).toEqual([
      expect.objectContaining({ class: "V01", start: 100, end: 140, grain: 1, index: 100, indexStep: 1 }),
    ]);
  });

  it("makes the same row of pages that are told at once", () => {
    const [single, together] = [new Violations(), new Violations()];
    faults(single, 100, 140, 3);
    for (const [start, end] of [
      [100, 120],
      [120, 121],
      [121, 140],
    ] as const)
      together.add("V01", 1, STRETCH, origin(3), start, 1, start, end, 3, "no translation", 1, 1);
    expect([...together]).toEqual([...single]);
  });

  it("keeps pages apart that other stores show, that are not neighbours or of another size", () => {
    const list = new Violations();
    faults(list, 100, 102, 3);
    faults(list, 102, 104, 4);
    faults(list, 105, 106, 4);
    list.add("V01", 1, STRETCH, origin(4), 106, 1, 106, 108, 4, "no translation", 2, 1);
    expect([...list].map(({ start, end, step, grain }) => [start, end, step, grain])).toEqual([
      [100, 102, 3, 1],
      [102, 104, 4, 1],
      [105, 106, 4, 1],
      [106, 108, 4, 2],
    ]);
  });

  it("goes on with the last row of a class though another class came between", () => {
    const list = new Violations();
    for (let page = 0; page < 600; page++) {
      list.add("V04b", 1, STRETCH, origin(3), page, 0, page, page + 1, 3, "a leaf", 1, 1);
      list.add("V06", 1, STRETCH, origin(3), page, 0, page, page + 1, 5, "a frame", 1, 1);
    }
    expect([...list].map((v) => `${v.class} ${v.start}-${v.end}`)).toEqual(["V04b 0-600", "V06 0-600"]);
  });

  it("says in words which leaf was met, also where there are more rows than one chunk holds", () => {
    const list = new Violations();
    for (let page = 0; page < 2000; page++)
      list.add(
        "V04",
        1,
        STRETCH,
        origin(page),
        page % 512,
        1,
        page,
        page + 1,
        page,
        leafMet(3 * page, 3),
        1,
        1,
      );
    expect(list.length).toBe(2000);
    for (const page of [0, 511, 512, 1999]) {
      const met = `frame 0x${(3 * page * 4096).toString(16)} (read and write)`;
      expect(list.at(page)).toMatchObject({ class: "V04", start: page, step: page, from: page, met });
    }
  });

  it("copies whole grains of a row to another list under another class, with what is met", () => {
    const list = new Violations();
    faults(list, 100, 140, 3);
    const copies = new Violations(list);
    copies.copy(list, 0, { class: "V15", isWeakOnly: true }, 110, 120);
    expect([...copies]).toEqual([
      expect.objectContaining({
        class: "V15",
        shows: "V01",
        start: 110,
        end: 120,
        index: 110,
        met: "no translation",
      }),
    ]);
  });

  it("takes pages out of a large leaf with their own frames", () => {
    const list = new Violations();
    list.add("V04", 1, STRETCH, { ...origin(3), level: 1 }, 2, 1, 1024, 1536, 3, leafMet(0x2000, 3), 512, 1);
    const copy = new Violations(list);
    copy.copy(list, 0, { class: "V04", isWeakOnly: false }, 1026, 1030);
    const [part] = copy;
    expect([part!.start, part!.end, part!.index, part!.met]).toEqual([
      1026,
      1030,
      2,
      "frame 0x2002000 (read and write)",
    ]);
  });
});
