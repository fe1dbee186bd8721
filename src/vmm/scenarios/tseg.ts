import { GIB, KIB, MIB, ro, rw, scenario } from "./scenario.ts";

const END = 2 * GIB;
const TSEG = END - 16 * MIB;
const below = [rw(0, 640 * KIB), ro(768 * KIB, MIB, "bios", 0)];

/** UEFI firmware with system management mode hides 16 MiB at the top of low RAM and shows them again, several times a boot. */
export const tseg = scenario(
  {
    name: "tseg",
    shows: "16 MiB at the end of 2 GiB disappear and come back; the rest, in 1 GiB leaves, has no part in it",
    backing: "huge1g",
  },
  {
    "TSEG open": [...below, rw(MIB, END)],
    "TSEG closed": [...below, rw(MIB, TSEG)],
  },
);
