import { describe, expect, it } from "vitest";
import { type Column, hanging, textTable } from "../../src/report/index.ts";

const COLUMNS: readonly Column[] = [
  { title: "NAME", align: "left" },
  { title: "COUNT", align: "right" },
  { title: "WHY", align: "left" },
];

describe("a text table", () => {
  const rows = [["one", "1,000", "because it is so"]];

  it("stands two spaces apart where there is room", () => {
    expect(textTable(COLUMNS, rows, 40)).toEqual(["  NAME  COUNT  WHY", "  one   1,000  because it is so"]);
  });

  it("moves closer together before it wraps", () => {
    expect(textTable(COLUMNS, rows, 30)).toEqual(["  NAME COUNT WHY", "  one  1,000 because it is so"]);
  });

  it("moves closer together where all columns are numbers", () => {
    const numbers = COLUMNS.slice(0, 2);
    expect(textTable(numbers, [["one", "1,000"]], 12)).toEqual(["  NAME COUNT", "  one  1,000"]);
  });
});

describe("hanging text", () => {
  it("keeps every line within the width, further ones indented", () => {
    expect(hanging("a label: words that go on", 10)).toEqual(["a label:", "  words", "  that go", "  on"]);
    expect(hanging("short", 10)).toEqual(["short"]);
  });
});
