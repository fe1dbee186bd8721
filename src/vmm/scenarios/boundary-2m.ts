import { KIB, MIB, ro, rw, scenario } from "./scenario.ts";

const END = 16 * MIB;
const PAGE = 4 * KIB;

const withReadOnlyPage = (at: number) => [rw(0, at), ro(at, at + PAGE), rw(at + PAGE, END)];

/** One page with other rights moves about inside a 2 MiB leaf, so that the leaf must be split and can be merged again. */
export const boundary2m = scenario(
  {
    name: "boundary-2m",
    shows:
      "a 2 MiB leaf is split around one changing page and merged again while its other 511 pages stay in use",
    backing: "huge2m",
  },
  {
    "one range": [rw(0, END)],
    "a read-only page": withReadOnlyPage(5 * MIB),
    "the next page instead": withReadOnlyPage(5 * MIB + PAGE),
    "a hole instead": [rw(0, 5 * MIB + PAGE), rw(5 * MIB + 2 * PAGE, END)],
    "the boundary of two leaves": [rw(0, 6 * MIB), ro(6 * MIB, END)],
  },
);
