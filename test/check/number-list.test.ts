import { describe, expect, it } from "vitest";
import { NumberList } from "../../src/check/lists/number-list.ts";
import { RangeList } from "../../src/check/lists/ranges.ts";

describe("a list of numbers", () => {
  it("holds what was added, asked for after every element or at the end", () => {
    const [asked, quiet] = [new NumberList(), new NumberList()];
    const expected: number[] = [];
    for (let i = 0; i < 3000; i++) {
      const value = 2 ** 40 + 3 * i;
      expected.push(value);
      for (const list of [asked, quiet]) list.push(value);
      expect(asked.length).toBe(i + 1);
      expect(asked.values.length).toBe(i + 1);
      expect([asked.values[0], asked.values[i], asked.values[i + 1]]).toEqual([
        expected[0],
        value,
        undefined,
      ]);
      expect(asked.last).toBe(value);
    }
    expect(Array.from(asked.values)).toEqual(expected);
    expect(Array.from(quiet.values)).toEqual(expected);
  });

  it.each([3, 256, 257, 1000])("lets the last of %i elements be replaced", (length) => {
    const list = new NumberList();
    for (let i = 0; i < length; i++) list.push(i);
    expect(list.values[length - 1]).toBe(length - 1);
    list.last = 7777;
    expect(list.last).toBe(7777);
    expect(list.values[length - 1]).toBe(7777);
  });
});

describe("many ranges", () => {
  it("are joined where they meet, however many there are", () => {
    const list = new RangeList();
    for (let i = 1999; i >= 0; i--) list.push(10 * i, 10 * i + (i % 4 === 0 ? 10 : 5));
    const { starts, ends } = list.union();
    const expected = Array.from({ length: 2000 }, (_, i) => i).filter((i) => i % 4 !== 1);
    expect(Array.from(starts)).toEqual(expected.map((i) => 10 * i));
    expect(Array.from(ends)).toEqual(expected.map((i) => 10 * i + (i % 4 === 0 ? 15 : 5)));
  });
});
