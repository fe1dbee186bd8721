import { describe, expect, it } from "vitest";
import { callInputs, check } from "../../src/check/index.ts";
import { parseRecording } from "../../src/edit-script/index.ts";

const HEAD = `hitless-edit-script 1 vtd-ss-39-ad
domain 1 root=0x100000000
table 0x100000000[0] = 0x100001003
table 0x100001000[0] = 0x100002003
`;
const SETTLE = "barrier\ninvalidate iova=0x0 size=0x400000\nwait drain";

/** Call, class and pages of everything that is found in calls whose lines are given. */
function foundIn(before: string, calls: readonly string[]): string[] {
  const text = `${HEAD}${before}\n${calls.map((lines) => `call\n${lines}\n${SETTLE}`).join("\n")}\n`;
  return [...callInputs(parseRecording(text))].flatMap(({ input }, call) =>
    check(input).findings.map(
      (found) =>
        `call ${call + 1}: ${found.class} ${found.ranges.map((r) => `${r.start}-${r.end - 1}`).join(" ")}`,
    ),
  );
}

/** The lines that give mapped pages other rights. */
const rightsOf = (iova: string, size: string, frame: string, rights: "r" | "rw"): string =>
  `map remove iova=${iova} size=${size}\nmap add iova=${iova} size=${size} frame=${frame} rights=${rights}`;
const page = (rights: "r" | "rw"): string => rightsOf("0x5000", "0x1000", "0x1000005000", rights);

const WRITABLE = "table 0x100002000[5] = 0x1000005003\nmap old iova=0x5000 size=0x1000 frame=0x1000005000";
const READ_ONLY = `${WRITABLE.replace("5003", "5001")} rights=r`;
const PROTECT = `${page("r")}\nexchange 0x100002000[5] = 0x1000005001 expected=0x1000005003`;
const STORE = `${page("rw")}\nstore 0x100002000[5] = 0x1000005003`;

describe("dirty bits that an earlier call leaves", () => {
  it("are lost in a later call by a store over what cannot be written any more", () => {
    expect(foundIn(WRITABLE, [PROTECT, STORE])).toEqual(["call 2: V10 5-5"]);
  });

  it("go on through calls that exchange the leaf, and through calls that do nothing to it", () => {
    const again = "exchange 0x100002000[5] = 0x1000005001 expected=0x1000005001";
    expect(foundIn(WRITABLE, [PROTECT, again, "", again, STORE])).toEqual(["call 5: V10 5-5"]);
  });

  it("go with an exchange into the leaves of a table, and from there no further than a collect", () => {
    const large = `table 0x100001000[1] = 0x1000200083
      map old iova=0x200000 size=0x200000 frame=0x1000200000`;
    const all = (rights: "r" | "rw"): string => rightsOf("0x200000", "0x200000", "0x1000200000", rights);
    const protect = `${all("r")}\nexchange 0x100001000[1] = 0x1000200081 expected=0x1000200083`;
    const split = `fill 0x100003000[0] = 0x1000200001 count=512 stride=0x1000\nbarrier
      exchange 0x100001000[1] = 0x100003003 expected=0x1000200081`;
    const collect = "collect 0x100003000[0] count=256";
    const store = `${all("rw")}\nstoreRun 0x100003000[0] = 0x1000200003 count=512 stride=0x1000`;
    expect(foundIn(large, [protect, split, collect, store])).toEqual(["call 4: V10 768-1023"]);
  });

  it("are those of leaves that could be written with the rights of the tables above them", () => {
    const both = `table 0x100002000[5] = 0x1000005003 0x1000006001
      map old iova=0x5000 size=0x1000 frame=0x1000005000
      map old iova=0x6000 size=0x1000 frame=0x1000006000 rights=r`;
    const protect = `${page("r")}\nstore 0x100001000[0] = 0x100002001`;
    const store = "storeRun 0x100002000[5] = 0x1000005001 count=2 stride=0x1000";
    expect(foundIn(both, [protect, store])).toEqual(["call 2: V10 5-5"]);
    const bringBack = `${page("rw")}\nstore 0x100001000[0] = 0x100002003`;
    const storeAndProtect = `${page("r")}\n${store}`;
    expect(foundIn(both, [protect, bringBack, storeAndProtect])).toEqual(["call 3: V10 5-5"]);
  });

  it("are none where nothing could be written before, or all was told", () => {
    expect(foundIn(READ_ONLY, ["", STORE])).toEqual([]);
    expect(foundIn(WRITABLE, [PROTECT, "collect 0x100002000[5] count=1", STORE])).toEqual([]);
    const bringBack = `${page("rw")}\nexchange 0x100002000[5] = 0x1000005003 expected=0x1000005001`;
    expect(foundIn(WRITABLE, [PROTECT, bringBack])).toEqual([]);
  });
});
