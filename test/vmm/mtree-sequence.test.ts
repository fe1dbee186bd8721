import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { READ, WRITE } from "../../src/units/index.ts";
import {
  importMtree,
  importMtreeFolder,
  mapsOfViews,
  readMtree,
} from "../../src/vmm/importers/mtree-sequence.ts";
import { InputError } from "../../src/vmm/input-error.ts";
import { loadInput } from "../../src/vmm/load-input.ts";
import { mappedPages, region, sameMap, withoutNoOps } from "../../src/vmm/memory-map.ts";
import { recorded, snapshotFolder } from "./captures.ts";

const RW = READ | WRITE;
const range = (start: number, last: number, type: string, name: string, offset = 0): string =>
  `  ${start.toString(16).padStart(16, "0")}-${last.toString(16).padStart(16, "0")} (prio 0, ${type}): ${name}` +
  (offset === 0 ? "" : ` @${offset.toString(16).padStart(16, "0")}`);
const dump = (...ranges: string[]): string =>
  [
    "FlatView #0",
    ' AS "memory", root: system',
    " Root memory region: system",
    ...(ranges.length === 0 ? ["  No rendered FlatView"] : ranges),
    "",
  ].join("\n");
const only = (text: string) => importMtree(text, "f").steps[0]!;

describe("the map VFIO makes of a flat view", () => {
  it("maps RAM and RAM devices for both, read-only ranges for reading, and nothing else", () => {
    const step = only(
      dump(
        range(0, 0x9ffff, "ram", "pc.ram"),
        range(0xa0000, 0xbffff, "i/o", "vga"),
        range(0xc0000, 0xcffff, "rom", "pc.ram", 0xc0000),
        range(0xd0000, 0xdffff, "ramd", "BAR"),
        range(0xe0000, 0xfffff, "romd", "flash"),
        range(0x100000, 0x1fffff, "nv-ram", "nvdimm"),
      ),
    );
    expect(step.map.regions).toEqual([
      region(0, 0xa0000, "pc.ram", 0, RW),
      region(0xc0000, 0x10000, "pc.ram", 0xc0000, READ),
      region(0xd0000, 0x10000, "BAR", 0, RW),
      { ...region(0x100000, 0x100000, "nvdimm", 0, RW), section: "nv" },
    ]);
    expect(step.skipped.map((s) => [s.name, s.reason, s.origin.line])).toEqual([
      ["vga", "not RAM", 5],
      ["flash", "not RAM", 8],
    ]);
  });

  it("rounds inwards to pages, moves the offset along and remembers the range itself", () => {
    const step = only(dump(range(0x1050, 0x4fff, "ramd", "BAR 3", 0x50), range(0x5000, 0x6500, "ram", "a")));
    expect(step.map.regions).toEqual([
      { ...region(0x2000, 0x3000, "BAR 3", 0x1000, RW), section: "0x1050-0x4fff" },
      { ...region(0x5000, 0x1000, "a", 0, RW), section: "0x5000-0x6500" },
    ]);
  });

  it("remembers that a range is nonvolatile, beside where it ends inside a page", () => {
    const step = only(dump(range(0, 0xfff, "nv-ram", "a"), range(0x2000, 0x30ff, "nv-ram", "b")));
    expect(step.map.regions.map((r) => r.section)).toEqual(["nv", "nv:0x2000-0x30ff"]);
  });

  it("skips what has no whole page, bit 63 set, or an offset that disagrees within the page", () => {
    const step = only(
      dump(
        range(0x1010, 0x1fff, "ram", "small", 0x10),
        range(0x2000, 0x3fff, "ram", "askew", 0x10),
        "  8000000000000000-8000000000000fff (prio 0, ram): probed",
      ),
    );
    expect(step.map.regions).toEqual([]);
    expect(step.skipped.map((s) => s.reason)).toEqual(["no whole page", "unaligned", "address bit 63 set"]);
  });

  it("reads a range that ends with the address space", () => {
    const step = only(dump("  7fffffffffff0000-ffffffffffffffff (prio 0, ram): a"));
    expect(step.map.regions[0]!.pages).toBe(2 ** 51 + 16);
  });
});

describe("a folder of snapshots", () => {
  it("follows sequence.tsv: step by step, with label and origin", () => {
    const sequence = loadInput(snapshotFolder("pc-seabios-boot"));
    expect(sequence.name).toBe("pc-seabios-boot");
    expect(sequence.steps).toHaveLength(30);
    expect(sequence.steps[14]).toMatchObject({
      label: "commit 15 (HMP system_reset) 011.txt",
      origin: { line: 1 },
    });
    expect(sequence.steps[14]!.origin.file.endsWith("pc-seabios-boot/011.txt")).toBe(true);
    expect(sequence.steps[7]!.map).toBe(sequence.steps[5]!.map);
    expect(sequence.steps.map((s) => mappedPages(s.map)).slice(0, 4)).toEqual([
      0x10_0000 - 0x20 + 0x40,
      0x10_0000 - 0x20 + 0x40,
      0x10_0000 - 0x20 + 0x40,
      0x10_0000 - 0x20 + 0x40 + 0x1000,
    ]);
  });

  it("takes the files in the order of their names where sequence.tsv is missing", () => {
    const folder = snapshotFolder("pc-seabios-boot");
    const files = new Map(
      readdirSync(folder)
        .filter((f) => f.endsWith(".txt"))
        .reverse()
        .map((f) => [f, readFileSync(join(folder, f), "utf8")]),
    );
    const sequence = importMtreeFolder(files, "x");
    expect(sequence.steps.map((s) => s.label)).toEqual([...files.keys()].sort());
  });

  it("counts in file names: the second snapshot is not the tenth", () => {
    const names = ["s1.txt", "s10.txt", "s2.txt"];
    const sequence = importMtreeFolder(new Map(names.map((name) => [name, dump()])), "x");
    expect(sequence.steps.map((s) => s.label)).toEqual(["s1.txt", "s2.txt", "s10.txt"]);
  });

  it("drops steps that change no mapping: nearly all commits of a UEFI boot", () => {
    const sequence = loadInput(snapshotFolder("q35-ovmf-devices"));
    expect(sequence.steps).toHaveLength(871);
    const changing = withoutNoOps(sequence).steps;
    expect(changing.length).toBeLessThan(60);
    expect(changing.every((s, i) => i === 0 || !sameMap(s.map, changing[i - 1]!.map))).toBe(true);
  });

  it.each([
    ["a file that is not there", "step\tfile\n0\t9.txt\n", 2, "the name of a file in the folder"],
    ["a missing column", "step\tcommit\n0\t1\n", 1, "one of them 'file'"],
    ["a line with too few fields", "step\tfile\n0\n", 2, "2 tab-separated fields"],
    ["a step out of order", "step\tfile\n1\ta.txt\n", 2, "step 0"],
    ["no steps", "step\tfile\n", 0, "at least one step"],
  ])("refuses a sequence.tsv with %s", (_, tsv, line, expected) => {
    const files = new Map([
      ["sequence.tsv", tsv],
      ["a.txt", dump()],
    ]);
    expect(() => importMtreeFolder(files, "dir")).toThrow(
      expect.objectContaining({ name: "InputError", file: "dir/sequence.tsv", line }),
    );
    expect(() => importMtreeFolder(files, "dir")).toThrow(expected);
  });
});

describe("the complete output of a run", () => {
  const maps = (sequence: ReturnType<typeof importMtree>) => withoutNoOps(sequence).steps.map((s) => s.map);

  it.each(["pc-seabios-boot", "l2-pc-seabios-vfio", "q35-linux-vtd-strict"])(
    "gives the same maps as the snapshots made of it: %s",
    (run) => {
      const raw = importMtree(recorded(run, "raw-info-mtree-f.txt.gz"), "raw");
      expect(maps(raw)).toEqual(maps(loadInput(snapshotFolder(run))));
    },
  );

  it("gives the maps of a device's address space, chosen by its root", () => {
    const text = recorded("q35-linux-vtd-strict", "raw-info-mtree-f.txt.gz");
    const raw = importMtree(text, "raw", { addressSpace: "vtd-01.0" });
    const folder = join(snapshotFolder("q35-linux-vtd-strict"), "as-net0");
    expect(maps(raw)).toEqual(maps(loadInput(folder, { addressSpace: "vtd-root" })));
    expect(maps(raw).some((map) => map.regions.length === 0)).toBe(true);
  });

  it("needs no name where snapshots show one view each, as those of a device's own address space do", () => {
    const view = (end: number): string =>
      dump(range(0, end, "ram", "pc.ram")).replace('"memory", root: system', '"vtd-root", root: vtd-00.0');
    const files = new Map([
      ["000.txt", view(0xfff)],
      ["001.txt", view(0x1fff)],
    ]);
    const folder = importMtreeFolder(files, "net0");
    expect(folder.steps.map((step) => mappedPages(step.map))).toEqual([1, 2]);
    expect(() => importMtreeFolder(files, "net0", { addressSpace: "memory" })).toThrow(InputError);
    expect(() => importMtreeFolder(new Map([...files, ["002.txt", dump()]]), "net0")).toThrow(InputError);
  });

  it("refuses a name that several different address spaces share and tells their roots", () => {
    const text = recorded("q35-linux-vtd-strict", "raw-info-mtree-f.txt.gz");
    expect(() => importMtree(text, "raw", { addressSpace: "vtd-root" })).toThrow(
      /choose by root: .*vtd-01\.0/,
    );
  });

  it("refuses an address space that is not there and tells those that are", () => {
    const error = (() => {
      try {
        importMtree(recorded("l2-pc-seabios-vfio", "raw-info-mtree-f.txt.gz"), "raw", {
          addressSpace: "nope",
        });
      } catch (e) {
        return e;
      }
      return null;
    })();
    expect(error).toBeInstanceOf(InputError);
    expect((error as InputError).expected).toContain('"memory" (root: system)');
  });

  it("passes over snapshots from before the address space with a note, and refuses to lose it", () => {
    const other = dump().replace('"memory"', '"other"');
    const sequence = importMtree(`${other}\n${dump()}`, "f");
    expect(sequence.steps).toHaveLength(1);
    expect(sequence.notes).toEqual([
      { origin: { file: "f", line: 1 }, text: "no address space 'memory' yet: passed over" },
    ]);
    expect(() => importMtree(`${dump()}\n${other}`, "f")).toThrow(/^f:6: expected an address space/);
  });
});

describe("regions of one name", () => {
  it("are one backing unless -o shows two owners", () => {
    const two = (a: string, b: string) =>
      only(
        dump(range(0, 0xfff, "ram", `e1000.rom${a}`), range(0x1000, 0x1fff, "ram", `e1000.rom${b}`)),
      ).map.regions.map((r) => r.backing);
    expect(two("", "")).toEqual(["e1000.rom", "e1000.rom"]);
    expect(two(" owner:{dev id=a}", " owner:{dev id=a}")).toEqual(["e1000.rom", "e1000.rom"]);
    expect(two(" owner:{dev id=a}", " owner:{dev id=b}")).toEqual([
      "e1000.rom {dev id=a}",
      "e1000.rom {dev id=b}",
    ]);
  });

  const mem = (owner = "", at = 0) => range(at, at + 0xfff, "ram", `mem${owner}`);
  const A = " owner:{dev id=a}";
  const B = " owner:{dev id=b}";
  const backings = (sequence: ReturnType<typeof importMtree>) =>
    sequence.steps.map((step) => step.map.regions.map((r) => r.backing));

  it("are the same memory in a snapshot with owners and in one without", () => {
    const sequence = importMtree(`${dump(mem())}\n${dump(mem(A))}`, "f");
    expect(backings(sequence)).toEqual([["mem"], ["mem"]]);
    expect(sequence.notes).toEqual([]);
  });

  it("count as one, with a note, where two owners are told and then none", () => {
    const sequence = importMtree(`${dump(mem(A), mem(B, 0x2000))}\n${dump(mem(), mem("", 0x2000))}`, "f");
    expect(backings(sequence)).toEqual([
      ["mem", "mem"],
      ["mem", "mem"],
    ]);
    expect(sequence.notes).toEqual([
      {
        origin: { file: "f", line: 10 },
        text: "no owner here (`info mtree -f` without -o): all regions 'mem' count as one memory, though elsewhere they have 2 owners",
      },
    ]);
  });

  it("are told apart where -o says of one that it has no owner", () => {
    const step = only(dump(mem(A), mem(" orphan", 0x2000), mem(" parent:{obj path=/x}", 0x4000)));
    expect(step.map.regions.map((r) => r.backing)).toEqual([
      "mem {dev id=a}",
      "mem {orphan}",
      "mem {parent obj path=/x}",
    ]);
  });

  it("are named by what all inputs of one sequence tell of them", () => {
    const both = readMtree(dump(mem(A), mem(B, 0x2000)), "both");
    const one = readMtree(dump(mem(A)), "one");
    expect(mapsOfViews([both, one]).map(backings)).toEqual([
      [["mem {dev id=a}", "mem {dev id=b}"]],
      [["mem {dev id=a}"]],
    ]);
  });
});
