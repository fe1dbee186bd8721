import { KIB, MIB, rw, scenario } from "./scenario.ts";

const END = 32 * MIB;
const CUT = 9 * MIB + 4 * KIB;

/** The map never means anything else; only the list that says it is cut differently. */
export const noChange = scenario(
  {
    name: "no-change",
    shows: "the same map in other words: the right answer is to write nothing",
    backing: "huge2m",
  },
  {
    "one range": [rw(0, END)],
    "the same again": [rw(0, END)],
    "cut in two": [rw(0, CUT), rw(CUT, END)],
    "cut in three": [rw(0, CUT), rw(CUT, 20 * MIB), rw(20 * MIB, END)],
  },
);
