import { describe, expect, it } from "vitest";
import { closestName } from "../../src/cli/closest-name.ts";

describe("the name somebody probably meant", () => {
  const names = ["pam-2020", "tseg", "remap", "large-hole", "large-rights"];

  it.each([
    ["pam-202", "pam-2020"],
    ["PAM2020", "pam-2020"],
    ["tsge", null],
    ["tsegs", "tseg"],
    ["large-hoel", "large-hole"],
    ["remap", "remap"],
    ["captures/", null],
    ["", null],
  ])("is for '%s': %s", (typed, expected) => {
    expect(closestName(typed, names)).toBe(expected);
  });
});
