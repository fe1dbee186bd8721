import { KIB, MIB, ro, rw, scenario } from "./scenario.ts";

const END = 16 * MIB;
const AT = 5 * MIB;
const PAGE = 4 * KIB;

/** A read-only 2 MiB leaf is cut; none of its other pages may become writable on the way. */
export const readOnlySplit = scenario(
  {
    name: "read-only-split",
    shows: "a read-only 2 MiB leaf is split around one page that is writable for a while",
    backing: "huge2m",
  },
  {
    "all read-only": [ro(0, END)],
    "a writable page": [ro(0, AT), rw(AT, AT + PAGE), ro(AT + PAGE, END)],
  },
);
