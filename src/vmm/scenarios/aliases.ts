import { MIB, rw, scenario } from "./scenario.ts";

const SIZE = 16 * MIB;
const first = rw(0, SIZE);
const second = rw(2 * SIZE, 3 * SIZE, "ram", 0);
const third = 4 * SIZE;

/** The same memory at three addresses: what goes at one of them stays pinned through the others. */
export const aliases = scenario(
  {
    name: "aliases",
    shows: "2 MiB go and come back at one of three addresses of the same memory, whose frames stay pinned",
    backing: "huge2m",
  },
  {
    "three addresses": [first, second, rw(third, third + SIZE, "ram", 0)],
    "2 MiB less at the third": [
      first,
      second,
      rw(third, third + 4 * MIB, "ram", 0),
      rw(third + 6 * MIB, third + SIZE, "ram", 6 * MIB),
    ],
  },
);
