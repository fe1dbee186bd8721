import { MIB, rw, scenario } from "./scenario.ts";

const END = 32 * MIB;

/** Whole 2 MiB leaves go and come back, so that frames lose their pins and no table is built or freed. */
export const largeHole = scenario(
  {
    name: "large-hole",
    shows:
      "2 MiB disappear and come back, and their frames are given back while devices may still write to them",
    backing: "huge2m",
  },
  {
    whole: [rw(0, END)],
    "a hole": [rw(0, 8 * MIB), rw(10 * MIB, END)],
    "the next 4 MiB instead": [rw(0, 10 * MIB), rw(14 * MIB, END)],
  },
);
