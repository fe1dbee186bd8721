import { describe, expect, it } from "vitest";
import { check, inputOf } from "../../src/check/index.ts";
import { parseScript } from "../../src/edit-script/index.ts";

const HEAD = `hitless-edit-script 1 vtd-ss-39
domain 1 root=0x100000000
table 0x100000000[0] = 0x100001003
`;
const FLUSH = "barrier\ninvalidate iova=0 size=2M\nwait drain\nfreeTable 0x100002000\n";
/** Bit 11 of a leaf: the access snoops. Bits 3 to 5: the type of its memory. */
const [SNOOP, MEMORY_TYPE] = [0x800, 0x30];

function found(text: string): string[] {
  const { findings, mismatch } = check(inputOf(parseScript(HEAD + text, "attributes.script")));
  expect(mismatch).toBeNull();
  return findings.map(
    (f) => `${f.class} ${f.cause} ${f.ranges.map(({ start, end }) => `${start}-${end}`).join()}`,
  );
}
const hex = (value: number): string => `0x${value.toString(16)}`;

/** 512 leaves, in a table that nobody writes, made one. */
const merged = (last: number, large: number): string => `table 0x100001000[0] = 0x100002003
table 0x100002000[0] = 0x1000000003 count=511 stride=0x1000
table 0x100002000[511] = ${hex(0x10001ff003 + last)}
map old iova=0 size=2M frame=0x1000000000
map new iova=0 size=2M frame=0x1000000000
store 0x100001000[0] = ${hex(0x1000000083 + large)}
${FLUSH}`;

const PAGES = Array.from({ length: 512 }, (_, page) => page);
/** A page of memory that no neighbour continues. */
const frameOf = (page: number): number => 0x1000000000 + page * 0x2000;

/** Such leaves copied one by one into a table that takes the place of the first. */
const copied = (
  before: number,
  after: (page: number) => number,
): string => `table 0x100001000[0] = 0x100002003
${PAGES.map((page) => `table 0x100002000[${page}] = ${hex(frameOf(page) + 3 + before)}`).join("\n")}
${PAGES.map((page) => `map old iova=${hex(page * 4096)} size=4K frame=${hex(frameOf(page))}`).join("\n")}
${PAGES.map((page) => `map new iova=${hex(page * 4096)} size=4K frame=${hex(frameOf(page))}`).join("\n")}
${PAGES.map((page) => `fill 0x100003000[${page}] = ${hex(frameOf(page) + 3 + after(page))}`).join("\n")}
barrier
store 0x100001000[0] = 0x100003003
${FLUSH}`;

describe("attributes that maps say nothing of", () => {
  it("are those of the leaves that a larger one takes the place of, although no step touches these", () => {
    expect(found(merged(0, 0))).toEqual([]);
    expect(found(merged(SNOOP, 0))).toEqual(["V09 plan 511-512"]);
    expect(found(merged(MEMORY_TYPE, 0))).toEqual(["V09 plan 511-512"]);
    expect(found(merged(SNOOP, SNOOP))).toEqual(["V09 plan 0-511"]);
  });

  it("are not missed where nothing is told of the table: it says what the old map says", () => {
    const untold = (large: number): string =>
      merged(0, large)
        .split("\n")
        .filter((line) => !line.startsWith("table 0x100002000"))
        .join("\n");
    for (const large of [0, SNOOP, MEMORY_TYPE]) {
      const { findings } = check(inputOf(parseScript(HEAD + untold(large))));
      expect(findings).toEqual([]);
    }
  });

  it("stay with each leaf that is copied into another table", () => {
    expect(found(copied(0, () => 0))).toEqual([]);
    expect(found(copied(SNOOP, () => SNOOP))).toEqual([]);
    expect(found(copied(SNOOP, (page) => (page === 300 ? 0 : SNOOP)))).toEqual(["V02 plan 300-301"]);
    expect(found(copied(SNOOP, () => 0))).toEqual(["V02 plan 0-512"]);
    expect(found(copied(0, (page) => (page === 0 ? SNOOP : 0)))).toEqual(["V02 plan 0-1"]);
  });

  it("are looked for two levels below the entry that is replaced", () => {
    const gigabyte = (odd: number): string => `table 0x100001000[0] = 0x100002003
table 0x100002000[0] = 0x1000000803 count=512 stride=0x1000
table 0x100001000[1] = 0x100003003
table 0x100003000[0] = 0x1000200803 count=512 stride=0x1000
table 0x100003000[9] = ${hex(0x1000209003 + odd)}
map old iova=0 size=4M frame=0x1000000000
map new iova=0 size=4M frame=0x1000000000
store 0x100000000[0] = 0x1000000883
barrier
invalidate iova=0 size=1G
wait drain
map new iova=4M size=1020M frame=0x1000400000
freeTable 0x100001000
freeTable 0x100002000
freeTable 0x100003000`;
    const odd = gigabyte(0).replace(
      "table 0x100003000[0] = 0x1000200803 count=512",
      "table 0x100003000[0] = 0x1000200803 count=9",
    );
    const rest = "\ntable 0x100003000[10] = 0x100020a803 count=502 stride=0x1000\n";
    expect(found(odd.replace(/map old/, `${rest}map old`))).toEqual(["V09 plan 521-522"]);
    const even = gigabyte(SNOOP).replace(
      "table 0x100003000[0] = 0x1000200803 count=512",
      "table 0x100003000[0] = 0x1000200803 count=9",
    );
    expect(found(even.replace(/map old/, `${rest}map old`))).toEqual([]);
  });
});
