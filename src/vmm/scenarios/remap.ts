import { KIB, MIB, rw, scenario } from "./scenario.ts";

const END = 16 * MIB;
const START = 4 * MIB;
const STOP = 6 * MIB;
const PAGE = 4 * KIB;

/**
 * The same IOVA moves to other memory. The two pieces of memory lie more than 4 GiB apart, so an entry changes in both
 * of its 32-bit halves and a torn store has an address of its own.
 */
export const remap = scenario(
  {
    name: "remap",
    shows: "a range changes its frames, and every access must see the old or the new one and never a mixture",
    backing: "pop",
  },
  {
    "first memory": [rw(0, END)],
    "2 MiB elsewhere": [rw(0, START), rw(START, STOP, "other", 0), rw(STOP, END)],
    "a page of it back": [
      rw(0, START),
      rw(START, START + PAGE),
      rw(START + PAGE, STOP, "other", PAGE),
      rw(STOP, END),
    ],
    "two pages elsewhere": [rw(0, START), rw(START, START + 2 * PAGE, "other", 0), rw(START + 2 * PAGE, END)],
  },
);
