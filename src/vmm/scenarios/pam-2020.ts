import { GIB, KIB, MIB, ro, rw, scenario } from "./scenario.ts";

const LOW_END = 3 * GIB;

/**
 * The case of October 2020: firmware write-protects its shadow RAM with PAM registers (segments of 16 and 64 KiB below 1 MiB)
 * while an assigned USB controller is already doing DMA somewhere in low RAM. QEMU's one flat range from 0xc0000 to 3 GiB
 * has to go each time.
 */
export const pam2020 = scenario(
  {
    name: "pam-2020",
    shows: "a PAM register makes a few KiB read-only and the listener remaps 3 GiB of unrelated RAM for it",
    backing: "pop",
  },
  {
    "shadow RAM writable": [rw(0, 640 * KIB), rw(768 * KIB, LOW_END)],
    "BIOS segment read-only": [
      rw(0, 640 * KIB),
      rw(768 * KIB, 960 * KIB),
      ro(960 * KIB, MIB),
      rw(MIB, LOW_END),
    ],
    "option ROMs read-only": [
      rw(0, 640 * KIB),
      ro(768 * KIB, 816 * KIB),
      rw(816 * KIB, 960 * KIB),
      ro(960 * KIB, MIB),
      rw(MIB, LOW_END),
    ],
    "one segment disabled": [
      rw(0, 640 * KIB),
      ro(768 * KIB, 816 * KIB),
      rw(816 * KIB, 896 * KIB),
      rw(912 * KIB, 960 * KIB),
      ro(960 * KIB, MIB),
      rw(MIB, LOW_END),
    ],
  },
);
