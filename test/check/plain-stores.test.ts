import { describe, expect, it } from "vitest";
import { type CheckInput, check, inputOf } from "../../src/check/index.ts";
import { parseScript } from "../../src/edit-script/index.ts";

const TABLES = `hitless-edit-script 1 vtd-ss-48
domain 1 root=0x100000000
table 0x100000000[0] = 0x100001003
table 0x100001000[0] = 0x100002003
table 0x100002000[0] = 0x100003003
table 0x100003000[0] = 0x1000000003 count=8 stride=0x1000
map old iova=0 size=0x8000 frame=0x1000000000
`;
const NEW_PAGE = "map new iova=0 size=0x9000 frame=0x1000000000\n";
const NEW_TABLE = `map new iova=0 size=0x8000 frame=0x1000000000
map new iova=0x200000 size=0x2000 frame=0x2000000000
`;
const findings = (text: string) =>
  check(inputOf(parseScript(TABLES + text))).findings.map(
    (f) => `${f.class} ${f.cause} ${f.pages}: ${f.met}`,
  );
const TEAR = "an entry under a store that may tear";

describe("plain stores to a table that walks can hold", () => {
  it.each([
    ["an absent entry", NEW_PAGE, "fill 0x100003000[8] = 0x1000008003\nbarrier", 1],
    [
      "the entries beside it as well",
      NEW_PAGE,
      "gather 0x100003000[7] = 0x1000007003 0x1000008003\nbarrier",
      1,
    ],
    [
      "a table that was linked empty, where nothing was mapped",
      NEW_TABLE,
      `fill 0x100004000[0] = 0 count=512 stride=0
       barrier
       store 0x100002000[1] = 0x100004003
       barrier
       fill 0x100004000[0] = 0x2000000003 count=2 stride=0x1000
       barrier`,
      2,
    ],
    ["an entry that leads to a table", NEW_TABLE, newTableBy("fill"), 512],
  ])("are V08 over %s", (_, map, steps, pages) => {
    expect(findings(map + steps)).toEqual([`V08 split-store ${pages}: ${TEAR}`]);
  });

  it("are fine as single stores, and where they change nothing", () => {
    expect(findings(NEW_TABLE + newTableBy("storeRun"))).toEqual([]);
    expect(
      findings(`${NEW_PAGE}fill 0x100003000[7] = 0x1000007003\nstore 0x100003000[8] = 0x1000008003\nbarrier`),
    ).toEqual([]);
  });

  it("are told as well where another table was linked before it was filled", () => {
    const text = `map new iova=0 size=0x9000 frame=0x1000000000
      store 0x100001000[0] = 0x100005003
      fill 0x100005000[0] = 0x100003003
      fill 0x100003000[8] = 0x1000008003
      barrier
      invalidate iova=0 size=1G
      wait drain
      freeTable 0x100002000`;
    expect(findings(text).map((line) => line.split(":")[0])).toEqual(["V01 order 8", "V08 split-store 1"]);
  });

  it("are looked for in tables far away only where a page that is filled was a table before", () => {
    const farTablesRead = (text: string): number => {
      const input = inputOf(parseScript(`${TABLES}table 0x100000000[1] = 0x100009003\n${text}`));
      let reads = 0;
      const tables: CheckInput["tables"] = {
        isTable: input.tables.isTable,
        isShared: () => false,
        entry(table, index) {
          if (table === 0x10_0009) reads++;
          return input.tables.entry(table, index);
        },
      };
      check({ ...input, tables });
      return reads;
    };
    const text = `table 0x100009000[0] = 0x10000a003\n${NEW_TABLE}${newTableBy("storeRun")}`;
    expect(farTablesRead(text)).toBe(0);
    expect(farTablesRead(`table 0x100004000[511] = 0\n${text}`)).toBeGreaterThan(0);
  });
});

/** A new table of two pages, filled aside and linked by `how`. */
function newTableBy(how: "fill" | "storeRun"): string {
  return `fill 0x100004000[0] = 0x2000000003 count=2 stride=0x1000
    fill 0x100004000[2] = 0 count=510 stride=0
    barrier
    ${how} 0x100002000[1] = 0x100004003 count=1
    barrier`;
}
