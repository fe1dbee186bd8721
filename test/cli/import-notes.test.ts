import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { importNotes } from "../../src/cli/import-notes.ts";
import { importText, loadInput } from "../../src/vmm/index.ts";
import { snapshotFolder } from "../vmm/captures.ts";

const view = (...ranges: string[]): string =>
  [`FlatView #3`, ' AS "memory", root: system', " Root memory region: system", ...ranges, "", ""].join("\n");
const ADD = "vfio_listener_region_add_ram region_add [ram]";

describe("notes on how an input was read", () => {
  it("say once what holds for the whole, and count what holds for several places", () => {
    const range = "0x0 - 0xfff";
    const flip = [`vfio_listener_region_del region_del ${range}`, `${ADD} ${range} [0x1000]`];
    const trace = [`${ADD} ${range} [0x1000]`, ...flip, ...flip, ...flip].join("\n");
    expect(importNotes(importText(trace, "t.log"))).toEqual([
      "Note: t.log: the trace does not tell read-only regions: all are taken as readable and writable",
      "Note: t.log:3: removed and added again with the same memory: other rights, or two commits; the trace cannot tell which (and 2 places more)",
    ]);
  });

  it("name a range that looks mapped and is not, but no I/O and no BAR that is being sized", () => {
    const odd = "  00000000fed40080-00000000fed40fff (prio 0, ram): tpm-crb-cmd";
    const sizing = "  fffffffffff00000-ffffffffffffffff (prio 1, ram): vga.vram";
    const ram = "  0000000000000000-00000000000bffff (prio 0, ram): pc.ram";
    const io = "  00000000fec00000-00000000fec00fff (prio 0, i/o): ioapic";
    expect(importNotes(importText(view(ram, io, odd, sizing) + view(ram, io, odd), "f"))).toEqual([
      "Note: f:6: not mapped: unaligned, as 0xfed40080-0xfed40fff (tpm-crb-cmd) is",
    ]);
  });

  it("warn of an input that maps nothing at all", () => {
    const text = view("  0000000000000000-ffffffffffffffff (prio 0, i/o): bm-off");
    expect(importNotes(importText(text, "f"))).toEqual([
      "Note: no map holds any memory, so there is nothing that could go wrong",
    ]);
  });

  const RAM = "  0000000000000000-00000000000bffff (prio 0, ram): pc.ram";
  const NONE = "  No rendered FlatView";

  it("say of a recorded device what its vIOMMU hides and that its map is empty on the way there", () => {
    const folder = join(snapshotFolder("q35-linux-vtd-strict"), "as-net0");
    expect(importNotes(loadInput(folder))).toEqual([
      `Note: ${folder}/018.txt:4: not mapped: translated by a vIOMMU, whose own map is not in the input, as 0x0-0xfedfffff (vtd-01.0-dmar) is (and 1 place more)`,
      `Note: ${folder}/017.txt:1: the map becomes empty: QEMU turns a vIOMMU on and off in two commits with no map between them, a gap that one call for each commit does not close; changes are judged one by one, so it is no finding (and 1 place more)`,
    ]);
    expect(importNotes(loadInput(snapshotFolder("q35-linux-vtd-strict")))).toEqual([]);
  });

  it.each([
    "intel_iommu",
    "vtd-00.0-dmar",
    "amd_iommu",
    "virtio-iommu-memory-region-0-8",
    "smmuv3-iommu-memory-region-0-0",
  ])("know the regions by which %s translates, and not the registers of that name", (name) => {
    const region = `  0000000000000000-ffffffffffffffff (prio 0, i/o): ${name}`;
    const registers = `  00000000fed90000-00000000fed9022f (prio 0, i/o): ${name}`;
    expect(importNotes(importText(view(region), "f"))[0]).toContain("translated by a vIOMMU");
    expect(importNotes(importText(view(RAM, registers), "f"))).toEqual([]);
  });

  it("say that a trace passes through an empty map when a vIOMMU is turned on", () => {
    const trace = [
      `${ADD} 0x0 - 0xfff [0x1000]`,
      "vfio_listener_region_del region_del 0x0 - 0xfff",
      "vfio_listener_region_add_iommu region_add [iommu] 0x0 - 0xffffffffffffffff",
    ];
    expect(importNotes(importText(trace.join("\n"), "t.log")).slice(1)).toEqual([
      "Note: t.log:3: not mapped: translated by a vIOMMU, whose own map is not in the input, as 0x0-0xffffffffffffffff is",
      expect.stringMatching(/^Note: t.log:2: the map becomes empty: QEMU turns a vIOMMU on and off/),
    ]);
  });

  it("say where a map becomes empty for another reason, and nothing of one that was empty from the start", () => {
    expect(importNotes(importText(view(NONE) + view(RAM), "f"))).toEqual([]);
    expect(importNotes(importText(view(RAM) + view(NONE) + view(NONE) + view(RAM), "f"))).toEqual([
      "Note: f:6: the map becomes empty: changes are judged one by one, so memory that goes here and returns with a later map is no finding",
    ]);
  });

  it("are none where there is nothing to say", () => {
    expect(
      importNotes(importText("hitless-map 1\nmap a\nregion iova=0 size=4K backing=b rights=r", "m")),
    ).toEqual([]);
  });
});
