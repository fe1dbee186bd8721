import { KIB, MIB, ro, rw, scenario } from "./scenario.ts";

const END = 16 * MIB;
const AT = 5 * MIB;
const AT_END = AT + 64 * KIB;
const around = (...middle: ReturnType<typeof rw>[]) => [rw(0, AT), ...middle, rw(AT_END, END)];

/** A range moves to other memory and loses the right to write in the same change, as when a ROM is shown over RAM. */
export const moveAndProtect = scenario(
  {
    name: "move-and-protect",
    shows: "64 KiB change from writable memory to read-only memory elsewhere, in one step, and back",
    backing: "pop",
  },
  {
    "RAM here": around(rw(AT, AT_END)),
    "a ROM instead": around(ro(AT, AT_END, "rom", 0)),
  },
);
