import { KIB, MIB, ro, rw, scenario } from "./scenario.ts";

const END = 32 * MIB;
const PAGE = 4 * KIB;

/** Rights change and nothing else: reads go on everywhere, writes are refused where the map says so. */
export const readOnlyFlips = scenario(
  {
    name: "read-only-flips",
    shows: "ranges of a page, of 2 MiB and of everything turn read-only and back while reads never stop",
    backing: "thp",
  },
  {
    "all writable": [rw(0, END)],
    "2 MiB read-only": [rw(0, 8 * MIB), ro(8 * MIB, 10 * MIB), rw(10 * MIB, END)],
    "and a page": [
      rw(0, MIB),
      ro(MIB, MIB + PAGE),
      rw(MIB + PAGE, 8 * MIB),
      ro(8 * MIB, 10 * MIB),
      rw(10 * MIB, END),
    ],
    "all read-only": [ro(0, END)],
  },
);
