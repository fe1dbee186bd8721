import { describe, expect, it } from "vitest";
import { importNotes } from "../../src/cli/import-notes.ts";
import { importText } from "../../src/vmm/index.ts";

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
    const text = view("  0000000000000000-ffffffffffffffff (prio 0, i/o): vtd-01.0-dmar");
    expect(importNotes(importText(text, "f"))).toEqual([
      "Note: no map holds any memory, so there is nothing that could go wrong",
    ]);
  });

  it("are none where there is nothing to say", () => {
    expect(
      importNotes(importText("hitless-map 1\nmap a\nregion iova=0 size=4K backing=b rights=r", "m")),
    ).toEqual([]);
  });
});
