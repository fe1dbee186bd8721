import { MIB, ro, rw, scenario } from "./scenario.ts";

const END = 32 * MIB;

/** Rights change in whole 2 MiB leaves, so that no leaf changes its size and no frame its owner. */
export const largeRights = scenario(
  {
    name: "large-rights",
    shows: "whole 2 MiB leaves turn read-only and back, and nothing else happens to them",
    backing: "huge2m",
  },
  {
    "all writable": [rw(0, END)],
    "2 MiB read-only": [rw(0, 8 * MIB), ro(8 * MIB, 10 * MIB), rw(10 * MIB, END)],
    "the next 4 MiB instead": [rw(0, 10 * MIB), ro(10 * MIB, 14 * MIB), rw(14 * MIB, END)],
  },
);
