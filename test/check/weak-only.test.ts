import { describe, expect, it } from "vitest";
import { type RawViolation, Violations } from "../../src/check/rules/violations.ts";
import { publishedTooEarly } from "../../src/check/rules/weak-only.ts";

const gap = (start: number, end: number, grain: number, index: number): RawViolation => ({
  class: "V01",
  domain: 1,
  start,
  end,
  access: 1,
  from: 3,
  met: "no translation",
  stretch: 0,
  grain,
  table: 7,
  index,
  level: 0,
  step: 3,
  until: 9,
});

function listed(violations: readonly RawViolation[]): Violations {
  const list = new Violations();
  for (const violation of violations) list.push(violation);
  return list;
}
const early = (weak: RawViolation, ...strong: RawViolation[]): RawViolation[] => [
  ...publishedTooEarly(listed([weak]), listed(strong)),
];

describe("what exists in weak mode only", () => {
  it("is told page by page from what strong mode shows too, where many pages are one violation", () => {
    const weak = gap(100, 110, 1, 40);
    const violations = early(weak, gap(103, 105, 1, 43), gap(109, 110, 1, 49));
    expect(violations.map((v) => [v.class, v.start, v.end, v.index])).toEqual([
      ["V15", 100, 103, 40],
      ["V01", 103, 105, 43],
      ["V15", 105, 109, 45],
      ["V01", 109, 110, 49],
    ]);
    expect(violations.map((v) => v.shows)).toEqual(["V01", undefined, "V01", undefined]);
  });

  it("is told page by page below one entry too", () => {
    const weak: RawViolation = { ...gap(512, 522, 1, 3), level: 1, indexStep: 0 };
    const violations = early(weak, gap(512, 516, 1, 0));
    expect(violations.map((v) => [v.class, v.start, v.end, v.index])).toEqual([
      ["V01", 512, 516, 3],
      ["V15", 516, 522, 3],
    ]);
  });

  it("is the rest of a large entry of which strong mode shows some pages", () => {
    const weak = gap(512, 2048, 512, 1);
    const violations = early(weak, gap(600, 601, 1, 88));
    expect(violations.map((v) => [v.class, v.start, v.end, v.index, v.grain])).toEqual([
      ["V15", 512, 600, 1, 88],
      ["V01", 600, 601, 1, 1],
      ["V15", 601, 1024, 1, 423],
      ["V15", 1024, 2048, 2, 512],
    ]);
  });

  it("leaves a violation as it is where strong mode shows all of it", () => {
    const weak = gap(100, 110, 1, 40);
    expect(early(weak, gap(90, 120, 1, 30))).toEqual([{ ...weak, indexStep: 1 }]);
  });
});
