import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  cHeader,
  cHeaderUpstream,
  errnoTable,
  formatErrnoTable,
  layout,
  SET_MAP_STRUCTS,
  UPSTREAM_STRUCTS,
} from "../../src/uapi/index.ts";

const golden = join(import.meta.dirname, "golden");

/** HITLESS_UPDATE_GOLDEN=1 rewrites the files; the change then shows in the review. */
const update = process.env["HITLESS_UPDATE_GOLDEN"] === "1";

describe("what a reviewer sees of the ABI", () => {
  it.each([
    ["hitless.h", cHeader()],
    ["hitless-type1.h", cHeaderUpstream()],
    ["layout.txt", layout([...SET_MAP_STRUCTS, ...UPSTREAM_STRUCTS])],
    ["errno.txt", formatErrnoTable(errnoTable())],
  ])("%s is the reviewed one", (file, text) => {
    if (update) writeFileSync(join(golden, file), text);
    expect(text).toBe(readFileSync(join(golden, file), "utf8"));
  });

  it.each([cHeader(), cHeaderUpstream()])("has no line wider than 80 columns", (text) => {
    for (const line of text.split("\n")) expect(columns(line), line).toBeLessThanOrEqual(80);
  });
});

const columns = (line: string): number =>
  [...line].reduce((at, c) => (c === "\t" ? (Math.floor(at / 8) + 1) * 8 : at + 1), 0);
