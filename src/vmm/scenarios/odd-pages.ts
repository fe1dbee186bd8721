import { KIB, MIB, ro, rw, scenario } from "./scenario.ts";

const END = 16 * MIB;
const PAGE = 4 * KIB;
/** 2 MiB with a page of other memory, and 2 MiB with a read-only page. */
const FOREIGN = 4 * MIB + 100 * PAGE;
const PROTECTED = 8 * MIB + 100 * PAGE;
const FLIPS = [4 * MIB + 300 * PAGE, 8 * MIB + 300 * PAGE] as const;

const withFlips = (flip: typeof ro) => [
  rw(0, FOREIGN),
  rw(FOREIGN, FOREIGN + PAGE, "foreign", 0),
  rw(FOREIGN + PAGE, FLIPS[0]),
  flip(FLIPS[0], FLIPS[0] + PAGE),
  rw(FLIPS[0] + PAGE, PROTECTED),
  ro(PROTECTED, PROTECTED + PAGE),
  rw(PROTECTED + PAGE, FLIPS[1]),
  flip(FLIPS[1], FLIPS[1] + PAGE),
  rw(FLIPS[1] + PAGE, END),
];

/** Two leaves that almost could be merged: each has one page that must stay different while another one changes. */
export const oddPages = scenario(
  {
    name: "odd-pages",
    shows: "a page changes its rights beside one that is different for good, so that no merge is due",
    backing: "huge2m",
  },
  { "two pages read-only": withFlips(ro), "the same pages writable": withFlips(rw) },
);
