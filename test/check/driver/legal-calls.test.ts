import { describe, expect, it } from "vitest";
import { judgeLegal } from "./campaign.ts";

/** Seeds of drivers, four calls each. */
const DRIVERS = 12;

describe("page-table drivers that have nothing to do with the planner", () => {
  it(`are found no fault with in either memory order, whatever their habits (${DRIVERS} of them)`, () => {
    const { calls, steps, complaints } = judgeLegal(1, DRIVERS);
    expect(complaints).toEqual([]);
    expect(calls).toBe(4 * DRIVERS);
    expect(steps).toBeGreaterThan(100 * DRIVERS);
  });
});
