import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  callScripts,
  EditScript,
  parseRecording,
  parseScript,
  printRecording,
  type Recording,
  ScriptTextError,
} from "../../src/edit-script/index.ts";
import { anyBefore, anyIoctls, anyLabel, anyMap, anyPins, page } from "./any-script.ts";

const HEAD = "hitless-edit-script 1 vtd-ss-39\ndomain 1 root=0x100000000\n";
const LINKED = `${HEAD}table 0x100000000[0] = 0x100001003\ntable 0x100001000[0] = 0x100002003\n`;
const TWO_CALLS = `${LINKED}pins none
call iommu_map iova=0x3000 size=0x2000
map add iova=0x3000 size=0x2000 frame=0x1000000000
pins 0x1000000000 size=0x2000
storeRun 0x100002000[3] = 0x1000000003 count=2 stride=0x1000
call
map remove iova=0x4000 size=0x1000
store 0x100002000[4] = 0
invalidate iova=0x4000 size=0x1000
wait drain
unpin 0x1000001000 size=0x1000
`;

const rejected = (text: string): ScriptTextError => {
  try {
    parseRecording(text, "driver.script");
  } catch (error) {
    expect(error).toBeInstanceOf(ScriptTextError);
    return error as ScriptTextError;
  }
  throw new Error("was accepted");
};

describe("a recording of several calls", () => {
  it("hands maps, tables and pins from call to call", () => {
    const recording = parseRecording(TWO_CALLS);
    expect(recording.calls.map(({ label, line }) => [label, line])).toEqual([
      ["iommu_map iova=0x3000 size=0x2000", 6],
      ["", 10],
    ]);
    const mapped = { iovaPfn: 3, pages: 2, pfn: 0x1000000, rights: 3 };
    const [first, second] = [...callScripts(recording)];
    expect(first).toMatchObject({
      oldMap: [],
      newMap: [mapped],
      pins: [{ pfn: 0x1000000, pages: 2, count: 1 }],
      stepLines: [9],
    });
    expect(second).toMatchObject({
      oldMap: [mapped],
      newMap: [{ ...mapped, pages: 1 }],
      pins: [{ pfn: 0x1000000, pages: 2, count: 1 }],
      stepLines: [12, 13, 14, 15],
    });
    expect(second!.tables).toEqual([
      ...first!.tables.slice(0, 2),
      { table: 0x100002, index: 3, count: 2, first: 0x1000000003n, stride: 0x1000n },
    ]);
  });

  it("audits pins that only calls speak of, from none on", () => {
    const text = `${HEAD}call a\nbarrier\ncall b\npins 0x1000 size=4K\n`;
    expect(parseRecording(text).pins).toEqual([]);
    expect([...callScripts(parseRecording(text))].map(({ pins }) => pins)).toEqual([
      [],
      [{ pfn: 1, pages: 1, count: 1 }],
    ]);
  });

  it("takes a call that says nothing about maps as one that changes none", () => {
    const recording = parseRecording(
      `${HEAD}map old iova=0 size=4K frame=0\ncall one\nbarrier\ncall two\nmap new none`,
    );
    expect(recording.calls.map((call) => call.newMap)).toEqual([recording.oldMap, []]);
  });

  it("carries what walkers have set over an exchange, and hands on nothing of what was collected", () => {
    const recording = parseRecording(`hitless-edit-script 1 vtd-ss-39-ad
      domain 1 root=0x100000000
      table 0x100000000[0] = 0x100001003
      table 0x100001000[0] = 0x1000000383
      table 0x100001000[1] = 0x1000200283 0x1000400383 0x1000600383
      call
      fill 0x100002000[0] = 0x1000000003 count=511 stride=0x1000
      exchange 0x100001000[0] = 0x100002003 expected=0x1000000083
      exchange 0x100001000[1] = 0x1000200081 expected=0x1000200183
      exchange 0x100001000[2] = 0 expected=0x1000400083
      collect 0x100001000[0] count=4
      call
    `);
    const [, second] = [...callScripts(recording)];
    const held = new Map<number, bigint>();
    for (const { table, index, count, first, stride } of second!.tables)
      for (let i = 0; i < count; i++) held.set(table * 512 + index + i, first + BigInt(i) * stride);
    const [middle, last] = [0x100001 * 512, 0x100002 * 512];
    expect([0, 1, 2, 3].map((i) => held.get(middle + i) ?? 0n)).toEqual([
      0x1_0000_2003n,
      0x10_0020_0081n,
      0n,
      0x10_0060_0083n,
    ]);
    expect(held.get(last)).toBe(0x10_0000_0303n);
    expect(held.get(last + 510)).toBe(0x10_001f_e303n);
    expect(held.has(last + 511)).toBe(false);
  });

  it("stores nothing where an exchange meets another entry, and empties a table that is freed", () => {
    const text = `${LINKED}call a
      exchange 0x100002000[0] = 0x5003 expected=0x9
      exchange 0x100002000[1] = 0x6003 expected=0
      call b
      freeTable 0x100002000
      call c
      store 0x100002000[7] = 0x8003
      call d`;
    const written = [...callScripts(parseRecording(text))].map((file) =>
      file.tables.filter((t) => t.table === 0x100002).map((t) => [t.index, t.first]),
    );
    expect(written).toEqual([[], [[1, 0x6003n]], [], [[7, 0x8003n]]]);
  });

  it("says which ioctl ran each step of a call, also of those that ran none", () => {
    const text = `${HEAD}call one change
      map new none
      ioctl UNMAP_DMA iova=0
      barrier
      wait
      ioctl
      ioctl MAP_DMA iova=0 # again
      barrier
      ioctl MAP_DMA iova=0x1000
      call another
      barrier`;
    const [one, another] = parseRecording(text).calls;
    expect(one!.ioctls).toEqual([
      { label: "UNMAP_DMA iova=0", step: 1 },
      { label: "", step: 3 },
      { label: "MAP_DMA iova=0", step: 3 },
      { label: "MAP_DMA iova=0x1000", step: 4 },
    ]);
    expect(another!.ioctls).toEqual([]);
  });

  it("knows a domain by its new tag after a root switch", () => {
    const text = `${HEAD}call a\nsetRoot root=0x100005000 tag=9\ncall b\ninvalidate domain=9 all`;
    const [, second] = [...callScripts(parseRecording(text))];
    expect(second!.domains).toEqual([{ id: 9, root: 0x100005, levels: 3 }]);
  });

  it("leaves a domain behind its IOMMU when its root is switched", () => {
    const text = `${HEAD}domain 2 root=0x100001000 iommu=1\ncall a\nsetRoot domain=2 root=0x100005000 tag=9\ncall b\nwait iommu=1`;
    const [, second] = [...callScripts(parseRecording(text))];
    expect(second!.domains).toEqual([
      { id: 1, root: 0x100000, levels: 3 },
      { id: 9, root: 0x100005, levels: 3, iommu: 1 },
    ]);
  });

  it("gives back the same calls after printing and parsing", () => {
    const kept = fc.array(page);
    const call = fc.record({ label: anyLabel, newMap: anyMap, pinned: anyPins, kept, ran: anyIoctls });
    fc.assert(
      fc.property(anyBefore, fc.array(call, { minLength: 1, maxLength: 4 }), (before, calls) => {
        const pinned = before.pins === null ? { pinned: [] } : {};
        const recording: Recording = {
          ...before,
          calls: calls.map(({ ran: { steps, ioctls }, kept, ...rest }) => ({
            ...rest,
            ...pinned,
            ...(kept.length > 0 && { kept }),
            ioctls,
            line: 1,
            script: EditScript.from(steps),
            stepLines: [],
          })),
        };
        const back = parseRecording(printRecording(recording));
        const plain = ({ calls: each, ...rest }: Recording) => ({
          ...rest,
          calls: each.map((c) => ({ ...c, line: 0, stepLines: 0, script: [...c.script] })),
        });
        expect(plain(back)).toEqual(plain(recording));
      }),
      { numRuns: 100 },
    );
  });

  it.each([
    [`${HEAD}barrier\ncall a`, 3, 'stands below its "call" line'],
    [`${HEAD}map new iova=0 size=4K frame=0\ncall a`, 3, 'stands below its "call" line'],
    [`${HEAD}call a\ntable 0x1000[0] = 3`, 4, "what there was before the first call"],
    [`${HEAD}call a\nmap old iova=0 size=4K frame=0`, 4, "what there was before the first call"],
    [`${HEAD}call a\nmap new none\nmap add iova=0 size=4K frame=0`, 5, "the map is given whole"],
    [`${HEAD}call a\nmap new none\nmap new iova=0 size=4K frame=0`, 5, "is none above"],
    [
      `${HEAD}call a\nmap add iova=0 size=8K frame=0\ncall\nmap add iova=4K size=4K frame=0`,
      6,
      "is mapped already",
    ],
    [`${HEAD}pins 0 size=4K\ncall a\npins none\npins 0 size=4K`, 6, "pins are given, and are none above"],
    [`${HEAD}call a\nmap swap iova=0 size=4K frame=0`, 4, 'map "swap" is neither'],
    [`${HEAD}call a\ninvalidate domain=9 all\ncall b\nsetRoot root=0x1000 tag=9`, 4, "domain 9 has no"],
    ["call a", 1, "the first line must be"],
    ["ioctl a", 1, "the first line must be"],
    [`${HEAD}ioctl a\nbarrier\ncall a`, 3, 'stands below its "call" line'],
    [`${HEAD}barrier\nioctl a`, 3, 'what an ioctl does stands below its "ioctl" line'],
    [`${HEAD}call a\nioctl b\ncall c\nwait\nbarrier\nioctl d`, 6, 'stands below its "ioctl" line'],
    [`${HEAD}ioctls`, 3, '"ioctls" is no statement'],
  ])("rejects %j and says file, line and reason", (text, line, reason) => {
    expect(rejected(text)).toMatchObject({ file: "driver.script", line });
    expect(rejected(text).message).toContain(reason);
  });

  it("is refused where one script is expected", () => {
    expect(() => parseScript(TWO_CALLS, "two.script")).toThrow(
      "two.script:10: a second call begins here; the file holds 2, and one is expected",
    );
  });
});
