import { describe, expect, it } from "vitest";
import { judgeFaults, type Sowing } from "./campaign.ts";
import { FAULTS } from "./faults.ts";
import type { Style } from "./style.ts";

/** Drivers whose calls have room for faults that others seldom have. */
const ROOMY: Partial<Style> = {
  profile: { levels: 3, variants: "-ad", indexLg2: 4 },
  trees: [[0]],
  flush: "operation",
  cacheOrder: "together",
  superpages: false,
  detaches: true,
  rebuilds: false,
};
const APART: Partial<Style> = {
  profile: { levels: 3, variants: "", indexLg2: 4 },
  trees: [[0, 1]],
  windows: true,
  hasDeviceCache: true,
};

const SETTLING: Partial<Style> = {
  profile: { levels: 4, variants: "", indexLg2: 4 },
  trees: [[0]],
  flush: "operation",
  width: "exact",
  superpages: true,
  rebuilds: false,
  windows: false,
};

const UNSEEN: Partial<Style> = { profile: { levels: 3, variants: "-nc", indexLg2: 4 }, flush: "script" };

/** Calls with more steps are left to a longer campaign, as are further seeds. */
const SOWING: Sowing = {
  from: 1,
  count: 60,
  habits: [{}, ROOMY, APART, SETTLING, UNSEEN],
  mostSteps: 100,
  most: 2,
};

describe("a fault planted in a call of a page-table driver", () => {
  it("is found on the pages that it damages, with a class that fits, and on no others", () => {
    const { planted, complaints } = judgeFaults(SOWING);
    expect(complaints).toEqual([]);
    expect([...FAULTS.keys()].filter((name) => !planted.has(name))).toEqual([]);
  });
});
