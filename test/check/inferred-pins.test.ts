import { describe, expect, it } from "vitest";
import { check, inputOf } from "../../src/check/index.ts";
import { parseScript } from "../../src/edit-script/index.ts";

/* UNMAP_DMA of a page and MAP_DMA of the same page: in both maps, gone and unpinned in between. */
const INPUT = inputOf(
  parseScript(`hitless-edit-script 1 vtd-ss-39
domain 1 root=0x100000000
table 0x100000000[0] = 0x100001003
table 0x100001000[0] = 0x100002003
table 0x100002000[0] = 0x1000000003
map old iova=0 size=0x1000 frame=0x1000000000 rights=rw
map new iova=0 size=0x1000 frame=0x1000000000 rights=rw
store 0x100002000[0] = 0
barrier
invalidate iova=0 size=0x1000
wait drain
unpin 0x1000000000 size=0x1000
store 0x100002000[0] = 0x1000000003
`),
);
const classes = (isRepinned: boolean): string[] =>
  check({ ...INPUT, isRepinned }).findings.map((f) => f.class);

describe("pins that are not given", () => {
  it("are one for each page of the old map and each that comes: a kept page that is unpinned lost its last", () => {
    expect(classes(false)).toEqual(["V01", "V06"]);
  });

  it("are one more for a kept page where calls pin again what they unpinned", () => {
    expect(classes(true)).toEqual(["V01"]);
  });
});
