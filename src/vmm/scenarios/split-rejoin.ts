import { KIB, MIB, rw, scenario } from "./scenario.ts";

const END = 64 * MIB;
const HOLE = 33 * MIB;
const HOLE_END = HOLE + 64 * KIB;

/** A device's BAR is placed over RAM and taken away again. */
export const splitRejoin = scenario(
  {
    name: "split-rejoin",
    shows: "RAM is cut in two by a hole, the hole shows a BAR, and the halves are joined again",
    backing: "huge2m",
  },
  {
    whole: [rw(0, END)],
    "a hole": [rw(0, HOLE), rw(HOLE_END, END)],
    "a BAR in the hole": [rw(0, HOLE), rw(HOLE, HOLE_END, "bar", 0), rw(HOLE_END, END)],
    "a hole again": [rw(0, HOLE), rw(HOLE_END, END)],
  },
);
