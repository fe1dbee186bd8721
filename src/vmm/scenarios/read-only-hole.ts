import { KIB, MIB, ro, scenario } from "./scenario.ts";

const END = 16 * MIB;
const AT = 5 * MIB;
const AT_END = AT + 64 * KIB;

/** A read-only 2 MiB leaf gets a hole; its other pages must stay read-only when it is cut. */
export const readOnlyHole = scenario(
  {
    name: "read-only-hole",
    shows: "a hole opens and closes in read-only memory, which must never become writable",
    backing: "pop",
  },
  {
    "all read-only": [ro(0, END)],
    "a hole": [ro(0, AT), ro(AT_END, END)],
  },
);
