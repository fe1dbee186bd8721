import { describe, expect, it } from "vitest";
import { judgeRows } from "./recorded-row.ts";

/** Seeds of drivers, each with a recording of four calls. */
const DRIVERS = 14;

describe("calls of a page-table driver as one recording", () => {
  it(`are clean, and a fault in the last one is told as in a script of its own (${DRIVERS} recordings)`, () => {
    const { calls, planted, complaints } = judgeRows(201, DRIVERS, 200);
    expect(complaints).toEqual([]);
    expect(calls).toBeGreaterThan(DRIVERS);
    expect(planted.size).toBeGreaterThan(2);
  });
});
