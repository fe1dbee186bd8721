import { KIB, MIB, rw, scenario } from "./scenario.ts";

const END = 16 * MIB;
const PAGE = 4 * KIB;
const FIRST = 5 * MIB;
const SECOND = FIRST + 64 * KIB;
const without = (at: number, offset: number) => [
  rw(0, at),
  rw(at, at + PAGE, "other", offset),
  rw(at + PAGE, END),
];

/** Map changes that meet in one 2 MiB leaf when two callers make them at the same time. */
export const twoCallers = scenario(
  {
    name: "two-callers",
    shows:
      "different pages of one 2 MiB leaf move elsewhere and back, changes that two callers could make at once",
    backing: "huge2m",
  },
  {
    whole: [rw(0, END)],
    "one page elsewhere": without(FIRST, 0),
    "another page elsewhere": without(SECOND, PAGE),
    "whole and more": [rw(0, END), rw(2 * END, 2 * END + 2 * MIB, "more", 0)],
  },
);
