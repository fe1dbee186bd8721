import { MIB, rw, scenario } from "./scenario.ts";

const SIZE = 8 * MIB;

/** Nothing is kept: the whole map moves to other memory, then to other addresses. */
export const replaceAll = scenario(
  {
    name: "replace-all",
    shows: "no byte is kept: every leaf changes, and what was pinned is given back",
    backing: "fragmented",
  },
  {
    "first memory": [rw(0, SIZE, "first")],
    "second memory": [rw(0, SIZE, "second")],
    "other addresses": [rw(2 * SIZE, 3 * SIZE, "second", 0)],
  },
);
