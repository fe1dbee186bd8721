import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { iovaPfn, READ, WRITE } from "../../src/units/index.ts";
import { parseMapFile, printMapFile } from "../../src/vmm/importers/map-file.ts";
import { type MapRegion, type MapSequence, makeMemoryMap, region } from "../../src/vmm/memory-map.ts";
import { arbitraryMap } from "./arbitrary-map.ts";

const RW = READ | WRITE;
const parse = (...lines: string[]) => parseMapFile(["hitless-map 1", ...lines].join("\n"), "m");
const regionsOf = (...lines: string[]): readonly MapRegion[] =>
  parse("map a", ...lines).steps[0]!.map.regions;

describe("a map file", () => {
  it("holds named maps of regions, with comments, empty lines and a name", () => {
    const sequence = parse(
      "# two maps",
      "name a small guest",
      "",
      "map before the change",
      "  region iova=0x0 size=640K backing=ram offset=0x0 rights=rw",
      "map after",
      '  region rights=r backing="BAR 0 mmaps[0]" size=2M iova=1G',
      "map nothing",
    );
    expect(sequence.name).toBe("a small guest");
    expect(sequence.steps.map((s) => [s.label, s.origin.line, s.map.regions])).toEqual([
      ["before the change", 5, [region(0, 640 << 10, "ram", 0, RW)]],
      ["after", 7, [region(1 << 30, 2 << 20, "BAR 0 mmaps[0]", 0, READ)]],
      ["nothing", 9, []],
    ]);
  });

  it("takes its own name where it gives none", () => {
    expect(parse("map a").name).toBe("m");
  });

  it("sorts regions and reads the last page of the address space", () => {
    expect(
      regionsOf(
        "region iova=0xfffffffffffff000 size=0x1000 backing=a rights=w",
        "region iova=0x0 size=4096 backing=a rights=rw",
      ),
    ).toEqual([
      region(0, 4096, "a", 0, RW),
      { iovaPfn: iovaPfn(2 ** 52 - 1), pages: 1, backing: "a", offsetPages: 0, rights: WRITE },
    ]);
  });

  it("reads CRLF line ends", () => {
    const text = "hitless-map 1\r\nmap a\r\nregion iova=0x0 size=4K backing=x rights=r\r\n";
    expect(parseMapFile(text, "m")).toEqual(parseMapFile(text.replaceAll("\r", ""), "m"));
  });

  it.each([
    ["no text", "", 0, "'hitless-map 1' as the first line"],
    ["another version", "hitless-map 2", 1, "'hitless-map 1' as the first line"],
    ["no map", "hitless-map 1", 0, "at least one 'map LABEL'"],
    ["a region before a map", "hitless-map 1\nregion iova=0x0", 2, "'map LABEL'"],
    ["a map without label", "hitless-map 1\nmap", 2, "'map' and a label"],
    ["a second name", "hitless-map 1\nname a\nname b\nmap c", 3, "'name TEXT' (once)"],
    ["an unknown line", "hitless-map 1\nmap a\nunmap 3", 3, "'region FIELD=VALUE…'"],
  ])("is refused with %s, naming the line", (_, text, line, expected) => {
    expect(() => parseMapFile(text, "m")).toThrow(
      expect.objectContaining({ name: "InputError", file: "m", line }),
    );
    expect(() => parseMapFile(text, "m")).toThrow(expected);
  });

  it.each([
    ["iova=0x0 size=4K rights=r", "field 'backing'"],
    ["iova=0x0 size=4K backing=a", "field 'rights'"],
    ["iova=0x0 size=4K backing=a rights=x", "rights r, w or rw"],
    ["iova=0x0 size=4K backing=a rights=constructor", "rights r, w or rw"],
    ["iova=0x0 size=0 backing=a rights=r", "a size above 0"],
    ["iova=0x10 size=4K backing=a rights=r", "iova as a multiple of 4096"],
    ["iova=0x0 size=1000 backing=a rights=r", "size as a multiple of 4096"],
    ["iova=0x0 size=4K backing=a offset=1 rights=r", "offset as a multiple of 4096"],
    ["iova=zero size=4K backing=a rights=r", "iova as 0x…"],
    ["iova=0x0 size=16777216T backing=a rights=r", "size below 2^64"],
    ["iova=0xfffffffffffff000 size=8K backing=a rights=r", "ends within 64 bits"],
    ["iova=0x0 size=8K offset=0xfffffffffffff000 backing=a rights=r", "offset that ends within 64 bits"],
    ["iova=0x0 iova=0x0 size=4K backing=a rights=r", "field 'iova' once"],
    ["iova=0x0 size=4K backing=a rights=r colour=blue", "one of the fields"],
    ["iova=0x0 size=4K backing=a b rights=r", "FIELD=VALUE"],
    ['iova=0x0 size=4K backing="" rights=r', "non-empty JSON string"],
    ['iova=0x0 size=4K backing="a\\q" rights=r', "non-empty JSON string"],
    ["iova=0x0 size=4K backing=(a) rights=r", "a backing name"],
  ])("refuses 'region %s'", (fields, expected) => {
    expect(() => regionsOf(`region ${fields}`)).toThrow(expect.objectContaining({ line: 3 }));
    expect(() => regionsOf(`region ${fields}`)).toThrow(expected);
  });

  it("refuses regions that overlap and names the line of the second", () => {
    expect(() =>
      regionsOf(
        "region iova=0x1000 size=8K backing=a rights=r",
        "region iova=0x0 size=8K backing=a rights=r",
      ),
    ).toThrow(/^m:3: expected no overlap/);
  });

  it("reads back what was printed", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ label: fc.string({ unit: "grapheme" }), map: arbitraryMap() }), {
          minLength: 1,
        }),
        fc.string({ unit: "binary" }),
        (steps, name) => {
          const origin = { file: "x", line: 1 };
          const sequence: MapSequence = {
            name,
            source: "test",
            steps: steps.map((s) => ({ ...s, origin, skipped: [] })),
            notes: [],
          };
          const text = printMapFile(sequence);
          const back = parseMapFile(text, "m");
          expect(back.steps.map((s) => s.map)).toEqual(sequence.steps.map((s) => s.map));
          expect(printMapFile(back)).toBe(text);
        },
      ),
    );
  });

  it("keeps backing names of any characters", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", minLength: 1 }), (backing) => {
        const map = makeMemoryMap([region(0, 4096, backing, 0, READ)]);
        const text = printMapFile({
          name: "n",
          source: "s",
          steps: [{ label: "l", map, origin: { file: "x", line: 1 }, skipped: [] }],
          notes: [],
        });
        expect(parseMapFile(text, "m").steps[0]!.map).toEqual(map);
      }),
    );
  });
});
