import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { detectKind, importText } from "../../src/vmm/importers/detect.ts";
import { InputError } from "../../src/vmm/input-error.ts";
import { loadInput, loadPaths } from "../../src/vmm/load-input.ts";
import { mappedPages } from "../../src/vmm/memory-map.ts";
import { recorded, snapshotFolder } from "./captures.ts";

const MAP_FILE = "# made by hand\n\nhitless-map 1\nmap a\n";
const TRACE = "vfio_listener_region_add_ram region_add [ram] 0x0 - 0xfff [0x1000]\n";

describe("the kind of an input", () => {
  it("is found by marks that no other kind has", () => {
    expect(detectKind(MAP_FILE, "f")).toBe("map file");
    expect(detectKind(recorded("l2-pc-seabios-vfio", "vfio-listener-trace.txt"), "f")).toBe("listener trace");
    expect(detectKind(recorded("l2-pc-seabios-vfio", "raw-info-mtree-f.txt.gz"), "f")).toBe("mtree");
    expect(detectKind(recorded("pc-seabios-boot", "final-mtree-f-o.txt.gz"), "f")).toBe("mtree");
  });

  it.each([
    ["info mtree without -f", recorded("pc-seabios-boot", "final-mtree.txt.gz"), "use `info mtree -f`"],
    ["a mixture", `FlatView #0\n${TRACE}`, "not both"],
    ["anything else", "\nhello\n", "`info mtree -f` output ('FlatView #…'), a QEMU trace"],
    ["nothing", "", "'hitless-map 1'"],
  ])("is refused for %s", (_, text, expected) => {
    expect(() => importText(text, "f")).toThrow(InputError);
    expect(() => importText(text, "f")).toThrow(expected);
  });
});

describe("loading a path", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "hitless-input-"));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  it("passes over the byte order mark that some editors put first", () => {
    writeFileSync(join(folder, "marked.map"), `\ufeff${MAP_FILE}`);
    expect(loadInput(join(folder, "marked.map")).steps.map((step) => step.label)).toEqual(["a"]);
  });
  const file = (name: string, content: string | Uint8Array): string => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };

  it("reads plain and compressed files alike, whatever they are called", () => {
    const plain = loadInput(file("a.map", MAP_FILE));
    const packed = loadInput(file("b.map", gzipSync(MAP_FILE)));
    expect(plain.steps.map((s) => s.label)).toEqual(["a"]);
    expect(packed.steps.map((s) => s.label)).toEqual(["a"]);
    expect(packed.name).toBe("b.map");
  });

  it("gives the sequences of several paths in their order, of whatever kind they are", () => {
    const view = (last: string): string =>
      `FlatView #0\n AS "memory", root: system\n Root memory region: system\n  0000000000000000-${last} (prio 0, ram): a\n`;
    const paths = [
      file("first.txt", view("0000000000000fff")),
      file("second.map", MAP_FILE),
      file("third.txt", view("0000000000001fff")),
    ];
    expect(loadPaths(paths).map((s) => s.steps.map((step) => mappedPages(step.map)))).toEqual([
      [1],
      [0],
      [2],
    ]);
  });

  it("passes the address space on", () => {
    const path = join(snapshotFolder("q35-linux-vtd-strict"), "as-nv0");
    expect(loadInput(path, { addressSpace: "vtd-root" }).steps).toHaveLength(145);
    expect(loadInput(path).steps).toEqual(loadInput(path, { addressSpace: "vtd-root" }).steps);
    expect(() => loadInput(path, { addressSpace: "memory" })).toThrow(
      /an address space with name or root 'memory'; there are "vtd-root"/,
    );
  });

  it("tells which files of a folder without sequence.tsv are not read, and leaves hidden ones out", () => {
    const mixed = mkdtempSync(join(folder, "mixed-"));
    const snapshot =
      'FlatView #0\n AS "memory", root: system\n Root memory region: system\n  No rendered FlatView\n';
    writeFileSync(join(mixed, "000.txt"), snapshot);
    expect(loadInput(mixed).notes).toEqual([]);
    for (const name of [".hidden", "001.map", "notes.md"]) writeFileSync(join(mixed, name), MAP_FILE);
    expect(loadInput(mixed)).toMatchObject({
      steps: [{ label: "000.txt" }],
      notes: [
        {
          origin: { file: mixed, line: 0 },
          text: "not read: 001.map, notes.md; of a folder without sequence.tsv only *.txt and *.txt.gz are",
        },
      ],
    });
    writeFileSync(join(mixed, "sequence.tsv"), "step\tfile\n0\t000.txt\n");
    expect(loadInput(mixed).notes).toEqual([]);
  });

  it("names what a folder has instead of snapshots", () => {
    const maps = mkdtempSync(join(folder, "maps-"));
    for (let i = 12; i > 0; i--) writeFileSync(join(maps, `${i}.map`), MAP_FILE);
    expect(() => loadInput(maps)).toThrow(
      /named themselves, got "1.map, 2.map, 3.map, 4.map, 5.map and 7 more"/,
    );
  });

  it.each([
    ["a path that is not there", () => join(folder, "nothing"), "a file or folder"],
    ["damaged gzip data", () => file("c.gz", gzipSync(MAP_FILE).subarray(0, 20)), "gzip data"],
    ["an empty folder", () => mkdtempSync(join(folder, "empty-")), "at least one snapshot"],
  ])("refuses %s", (_, path, expected) => {
    const target = path();
    expect(() => loadInput(target)).toThrow(InputError);
    expect(() => loadInput(target)).toThrow(expected);
  });
});
