import { describe, expect, it } from "vitest";
import { parseMtree } from "../../src/vmm/importers/mtree.ts";
import { parseRangeLine } from "../../src/vmm/importers/mtree-range.ts";
import { InputError } from "../../src/vmm/input-error.ts";
import { recorded } from "./captures.ts";

const parseRange = (text: string) => parseRangeLine(text, "f", 7);
const failure = (act: () => unknown): InputError => {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
    return error as InputError;
  }
  throw new Error("nothing was thrown");
};

const EMPTY = "  No rendered FlatView";
const view = (number: number, as: string, ...ranges: string[]): string =>
  [
    `FlatView #${number}`,
    ` AS "${as}", root: system`,
    " Root memory region: system",
    ...(ranges.length === 0 ? [EMPTY] : ranges),
    "",
    "",
  ].join("\n");
const RAM = "  0000000000000000-000000000009ffff (prio 0, ram): pc.ram";

describe("a range line of info mtree -f", () => {
  it.each([
    [" pc.ram", { name: "pc.ram", offset: 0n, owner: null }],
    [" pc.ram @00000000000c0000", { name: "pc.ram", offset: 0xc0000n, owner: null }],
    [" pc.ram @00000000000c0000 KVM", { name: "pc.ram", offset: 0xc0000n, owner: null }],
    [" pc.ram KVM KVM", { name: "pc.ram", offset: 0n, owner: null }],
    [" 0000:00:05.0 BAR 0 mmaps[0]", { name: "0000:00:05.0 BAR 0 mmaps[0]", offset: 0n, owner: null }],
    [" (noname)", { name: "(noname)", offset: 0n, owner: null }],
    [" vga ioports remapped", { name: "vga ioports remapped", offset: 0n, owner: null }],
    [" e1000-mmio owner:{dev id=net0}", { name: "e1000-mmio", offset: 0n, owner: "dev id=net0" }],
    [
      " pc.ram @0000000000001000 owner:{obj path=/objects/pc.ram} KVM",
      { name: "pc.ram", offset: 0x1000n, owner: "obj path=/objects/pc.ram" },
    ],
    [
      " pc.bios parent:{obj path=/machine/unattached}",
      { name: "pc.bios", offset: 0n, owner: "parent obj path=/machine/unattached" },
    ],
    [
      " a owner:{dev path=/machine/unattached/device[8]} parent:{obj path=/x}",
      { name: "a", offset: 0n, owner: "dev path=/machine/unattached/device[8]" },
    ],
    [" lost orphan", { name: "lost", offset: 0n, owner: "orphan" }],
  ])("splits '%s' into name, offset and owner", (tail, expected) => {
    expect(parseRange(`  0000000000000000-0000000000000fff (prio 0, ram):${tail}`)).toMatchObject(expected);
  });

  it("reads priorities below zero and nonvolatile types", () => {
    expect(
      parseRange("  0000000100000000-ffffffffffffffff (prio -1, nv-ram): nvdimm @0000000000002000"),
    ).toEqual({
      start: 0x1_0000_0000n,
      last: 0xffff_ffff_ffff_ffffn,
      priority: -1,
      kind: "ram",
      nonvolatile: true,
      name: "nvdimm",
      offset: 0x2000n,
      owner: null,
      line: 7,
    });
  });

  it.each([
    "  0000000000000000-000000000009fff (prio 0, ram): pc.ram",
    "  0000000000000000-000000000009ffff (prio 0, rim): pc.ram",
    "  0000000000000000-000000000009ffff (prio 0, ram) pc.ram",
    "  0000000000000000-000000000009ffff (prio x, ram): pc.ram",
    "  0000000000000000-000000000009ffff (prio 0, ram): ",
    " 0000000000000000-000000000009ffff (prio 0, ram): pc.ram",
  ])("names file, line and an example for '%s'", (text) => {
    const error = failure(() => parseRange(text));
    expect(error).toMatchObject({ file: "f", line: 7, got: text });
    expect(error.message).toMatch(/^f:7: expected a range like '/);
  });

  it("refuses a range that ends before it starts", () => {
    expect(
      failure(() => parseRange("  0000000000002000-0000000000001fff (prio 0, ram): a")).expected,
    ).toContain("ends after it starts");
  });
});

describe("the output of info mtree -f", () => {
  it("reads a complete recorded output of all address spaces", () => {
    const snapshots = parseMtree(recorded("q35-linux-vtd-strict", "raw-info-mtree-f.txt.gz"), "raw");
    expect(snapshots).toHaveLength(148);
    expect(snapshots[1]!.label).toMatch(/^2 t_ms=/);
    expect(snapshots[0]!.views.map((v) => v.number)).toEqual(snapshots[0]!.views.map((_, i) => i));
    expect(
      snapshots.every((s) => s.views.some((v) => v.addressSpaces.some((as) => as.name === "memory"))),
    ).toBe(true);
  });

  it("reads the same ranges with -o as without, and owners besides", () => {
    const [withOwners] = parseMtree(recorded("pc-seabios-boot", "final-mtree-f-o.txt.gz"), "o");
    const [withDispatch] = parseMtree(recorded("pc-seabios-boot", "final-mtree-f-d.txt.gz"), "d");
    const bare = (s: typeof withOwners) =>
      s!.views.map((v) => v.ranges.map(({ owner: _, line: __, ...rest }) => rest));
    expect(bare(withOwners)).toEqual(bare(withDispatch));
    expect(withOwners!.views.flatMap((v) => v.ranges).filter((r) => r.owner !== null).length).toBeGreaterThan(
      50,
    );
    expect(withDispatch!.views.flatMap((v) => v.ranges).every((r) => r.owner === null)).toBe(true);
  });

  it("takes a view that QEMU has not rendered as empty", () => {
    const [snapshot] = parseMtree(view(0, "mch", EMPTY), "f");
    expect(snapshot!.views[0]!.ranges).toEqual([]);
  });

  it("keeps several address spaces of one view and drops what follows ', alias'", () => {
    const text =
      'FlatView #0\n AS "memory", root: system\n AS "vtd-root", root: vtd-00.0, alias vtd-nodmar\n Root memory region: (none)\n  No rendered FlatView\n\n';
    expect(parseMtree(text, "f")[0]!.views[0]!.addressSpaces).toEqual([
      { name: "memory", root: "system" },
      { name: "vtd-root", root: "vtd-00.0" },
    ]);
  });

  it("reads text with CRLF line ends like text without", () => {
    const text = view(0, "memory", RAM);
    expect(parseMtree(text.replaceAll("\n", "\r\n"), "f")).toEqual(parseMtree(text, "f"));
  });

  it("reads a view that the end of the text ends", () => {
    expect(parseMtree(view(0, "memory", RAM).trimEnd(), "f")[0]!.views[0]!.ranges).toHaveLength(1);
  });

  it("cuts complete outputs in a row where the numbers start again", () => {
    const dump = view(0, "memory", RAM) + view(1, "I/O");
    expect(parseMtree(dump + dump, "f").map((s) => s.views.length)).toEqual([2, 2]);
  });

  it("takes extracts of one view as one moment each", () => {
    const text = view(2, "memory", RAM) + view(3, "memory", RAM) + view(3, "memory", RAM);
    expect(parseMtree(text, "f").map((s) => s.views.length)).toEqual([1, 1, 1]);
    const fromZero = view(0, "memory", RAM) + view(1, "memory", RAM);
    expect(parseMtree(fromZero, "f").map((s) => s.views.length)).toEqual([1, 1]);
  });

  it("passes over the monitor's greeting and prompts and cuts at them", () => {
    const dump = `(qemu) info mtree -f\n${view(0, "memory", RAM)}`;
    const text = `QEMU 7.2.22 monitor - type 'help' for more information\n${dump}${dump}(qemu) quit\n`;
    expect(parseMtree(text, "f").map((s) => s.views.length)).toEqual([1, 1]);
  });

  it("passes over what a shell or a person wrote around the outputs and cuts there", () => {
    const dump = `[root@host ~]# virsh qemu-monitor-command --hmp vm info mtree -f\n${view(0, "memory", RAM)}${view(1, "I/O")}`;
    const snapshots = parseMtree(`Two moments of a boot:\n\n${dump}${dump}`, "f");
    expect(snapshots.map((s) => s.views.length)).toEqual([2, 2]);
  });

  it("refuses a view whose first line is damaged, whatever was passed over", () => {
    const text = `hello\n${view(0, "memory", RAM).replace("FlatView", "Flatview")}${view(1, "I/O")}`;
    expect(failure(() => parseMtree(text, "f"))).toMatchObject({
      line: 3,
      got: ' AS "memory", root: system',
    });
  });

  it("takes the container type of later versions, a root that is a range itself, as no memory", () => {
    const root = "  0000000000000000-ffffffffffffffff (prio 0, container): smmuv3-iommu-memory-0-0";
    const [snapshot] = parseMtree(view(0, "memory", RAM) + view(1, "smmuv3-iommu-memory-0-0", root), "f");
    expect(snapshot!.views.map((v) => v.ranges[0]!.kind)).toEqual(["ram", "i/o"]);
  });

  it.each([
    ["ranges that overlap", view(0, "memory", RAM, RAM), 5, "starts after the one before it ends"],
    ["a word where a view should start", "hello\n", 1, "'FlatView #' and a number"],
    ["plain info mtree", "address-space: memory\n", 1, "'FlatView #' and a number"],
    [
      "a view without address space",
      "FlatView #0\n Root memory region: x\n",
      2,
      "at least one address space",
    ],
    [
      "a view that is cut off behind its root",
      view(0, "a").split(EMPTY)[0]!,
      3,
      "or '  No rendered FlatView'",
    ],
    [
      "a view without ranges before the next",
      view(0, "a").replace(EMPTY, "") + view(1, "b"),
      3,
      "ranges, or",
    ],
    ["a dispatch tree of no ranges", view(0, "a", "  Dispatch", "    Nodes"), 3, "ranges, or"],
    ["a view without root", 'FlatView #0\n AS "memory", root: x\n\n', 1, "Root memory region"],
    [
      "a number that starts again within one marked output",
      `@@@ SNAP 1\n${view(0, "a")}${view(0, "b")}`,
      7,
      "numbered above 0",
    ],
    ["a marker after text without markers", `${view(0, "a")}@@@ SNAP 1\n`, 6, "no '@@@ SNAP' line"],
    ["a marker with nothing after it", "@@@ SNAP 1\n@@@ SNAP 2\n", 1, "a FlatView after"],
    ["ranges after 'No rendered FlatView'", view(0, "a", EMPTY, RAM), 5, "an empty line"],
    ["an empty text", "", 0, "no FlatView found"],
  ])("refuses %s and names the line", (_, text, line, expected) => {
    const error = failure(() => parseMtree(text, "f"));
    expect(error.line).toBe(line);
    expect(error.expected).toContain(expected);
  });
});
