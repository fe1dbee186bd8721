import { GIB, KIB, MIB, ro, rw, scenario } from "./scenario.ts";

const END = 3 * GIB;
const PAGE = 4 * KIB;
const MIDDLE = GIB + 512 * MIB;

/** A boundary inside a 1 GiB leaf: first at a multiple of 2 MiB, then at a page, which needs two levels of splitting. */
export const boundary1g = scenario(
  {
    name: "boundary-1g",
    shows: "a 1 GiB leaf is split into 2 MiB leaves, one of those into pages, and all are merged again",
    backing: "huge1g",
  },
  {
    "one range": [rw(0, END)],
    "read-only above 1.5 GiB": [rw(0, MIDDLE), ro(MIDDLE, 2 * GIB), rw(2 * GIB, END)],
    "one page further": [rw(0, MIDDLE + PAGE), ro(MIDDLE + PAGE, 2 * GIB), rw(2 * GIB, END)],
    "a page-sized hole only": [rw(0, MIDDLE), rw(MIDDLE + PAGE, END)],
  },
);
