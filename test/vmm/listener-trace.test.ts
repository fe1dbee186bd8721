import { describe, expect, it } from "vitest";
import { hex, hexPage, READ, WRITE } from "../../src/units/index.ts";
import { importListenerTrace } from "../../src/vmm/importers/listener-trace.ts";
import { InputError } from "../../src/vmm/input-error.ts";
import { loadInput } from "../../src/vmm/load-input.ts";
import { type MapRegion, type MemoryMap, regionEnd, sameRegion } from "../../src/vmm/memory-map.ts";
import { topologyDelta } from "../../src/vmm/topology.ts";
import { recorded, snapshotFolder } from "./captures.ts";

const ADD = "vfio_listener_region_add_ram region_add [ram]";
const DEL = "vfio_listener_region_del region_del";
const trace = (...lines: string[]) => importListenerTrace(lines.join("\n"), "t");
const extents = (map: MemoryMap) => map.regions.map((r) => [r.iovaPfn * 4096, r.pages * 4096]);

describe("a vfio_listener trace of real VFIO", () => {
  const text = recorded("l2-pc-seabios-vfio", "vfio-listener-trace.txt");
  const fromTrace = importListenerTrace(text, "trace");
  const fromViews = loadInput(snapshotFolder("l2-pc-seabios-vfio"));

  /** Every map of the trace, with backings renamed to what the views call the memory at the same place. */
  const renamed = (
    map: MemoryMap,
    names: ReadonlyMap<string, { name: string; shift: number }>,
  ): MapRegion[] =>
    map.regions.map((r) => {
      const { name, shift } = names.get(r.backing) ?? { name: "?", shift: 0 };
      return { ...r, backing: name, offsetPages: r.offsetPages - shift };
    });
  /* What a trace cannot tell: rights, and where a range begins or ends inside a page. */
  const withoutRights = (regions: readonly MapRegion[]) =>
    regions.map(({ iovaPfn, pages, backing, offsetPages }) => ({
      ...{ iovaPfn, pages, backing, offsetPages },
      rights: READ | WRITE,
    }));

  /* One name and one shift for each backing of the trace, taken from the first region that uses it. */
  const names = new Map<string, { name: string; shift: number }>();
  for (const step of fromTrace.steps)
    for (const r of step.map.regions)
      if (!names.has(r.backing))
        for (const viewStep of fromViews.steps) {
          const twin = viewStep.map.regions.find((v) => v.iovaPfn === r.iovaPfn && v.pages === r.pages);
          if (twin !== undefined) {
            names.set(r.backing, { name: twin.backing, shift: r.offsetPages - twin.offsetPages });
            break;
          }
        }

  it("visits maps of the snapshots only, in their order, and ends where they end", () => {
    const views = fromViews.steps.map((s) => withoutRights(s.map.regions));
    let at = -1;
    for (const step of fromTrace.steps) {
      const wanted = JSON.stringify(renamed(step.map, names));
      at = views.findIndex((v, i) => i > at && JSON.stringify(v) === wanted);
      expect(at, `${step.label} at line ${step.origin.line}`).toBeGreaterThanOrEqual(0);
    }
    expect(renamed(fromTrace.steps.at(-1)!.map, names)).toEqual(views.at(-1));
  });

  it("joins commits that only add to the one before: ten steps of sixteen commits", () => {
    expect(fromTrace.steps).toHaveLength(10);
    expect(fromViews.steps).toHaveLength(16);
  });

  it("knows memory by its host address: low RAM is one backing throughout", () => {
    const low = new Set(fromTrace.steps.map((s) => s.map.regions[0]!.backing));
    expect([...low]).toEqual(["hva:0x7f3f75800000"]);
    expect(names.size).toBe(new Set([...names.values()].map((n) => n.name)).size);
  });

  it("holds exactly the calls that the legacy rule makes of the snapshots' maps, in order", () => {
    const calls: string[] = [];
    let old: readonly MapRegion[] = [];
    const shown = (r: MapRegion) => `${hexPage(r.iovaPfn)} - ${hex(BigInt(regionEnd(r)) * 4096n - 1n)}`;
    for (const { map } of fromViews.steps) {
      const { deleted, added } = topologyDelta(old, map.regions, (r) => r.iovaPfn, sameRegion);
      calls.push(...deleted.map((r) => `del ${shown(r)}`), ...added.map((r) => `add ${shown(r)}`));
      old = map.regions;
    }
    const traced = text
      .split("\n")
      .filter((line) => /^vfio_listener_region_(?:add_ram|del) /.test(line))
      .map((line) =>
        line.replace(/^.*region_(add \[ram\]|del) (0x\w+ - 0x\w+).*$/, "$1 $2").replace(" [ram]", ""),
      );
    expect(calls).toEqual(traced);
    expect(calls).toHaveLength(40);
  });

  it("says that rights are not in the trace", () => {
    expect(fromTrace.notes[0]!.text).toContain("does not tell read-only regions");
  });
});

describe("the commits of a trace", () => {
  it("begin at a delete after an add, and at an address that goes back", () => {
    const { steps } = trace(
      `${ADD} 0x0 - 0xfff [0x10000]`,
      `${ADD} 0x3000 - 0x3fff [0x30000]`,
      `${ADD} 0x2000 - 0x2fff [0x20000]`,
      `${DEL} 0x2000 - 0x2fff`,
      `${DEL} 0x3000 - 0x3fff`,
      `${DEL} 0x0 - 0xfff`,
      `${ADD} 0x0 - 0x1fff [0x50000]`,
    );
    expect(steps.map((s) => [s.origin.line, extents(s.map)])).toEqual([
      [
        1,
        [
          [0, 4096],
          [0x3000, 4096],
        ],
      ],
      [
        3,
        [
          [0, 4096],
          [0x2000, 4096],
          [0x3000, 4096],
        ],
      ],
      [4, [[0, 4096]]],
      [6, [[0, 8192]]],
    ]);
  });

  it("put a note where a range is removed and comes back with the same memory", () => {
    const { steps, notes } = trace(
      `${ADD} 0x0 - 0xfff [0x10000]`,
      `${DEL} 0x0 - 0xfff`,
      `${ADD} 0x0 - 0xfff [0x10000]`,
    );
    expect(steps).toHaveLength(2);
    expect(notes[1]).toMatchObject({ origin: { line: 3 } });
    expect(notes[1]!.text).toContain("other rights, or two commits");
  });
});

describe("the forms of a trace", () => {
  const plain = [
    `${ADD} 0x0 - 0xfff [0x10000]`,
    "vfio_listener_region_add_skip SKIPPING region_add 0xa0000 - 0xbffff",
    `${DEL} 0x0 - 0xfff`,
    "vfio_listener_region_del_skip SKIPPING region_del 0xa0000 - 0xbffff",
  ];
  const stepsOf = (lines: string[]) => trace(...lines).steps;

  it("are those of 7.2 and of later versions", () => {
    const later = plain.map((l) => l.replace("_add_skip", "_skip").replace("_del_skip", "_skip"));
    expect(later).not.toEqual(plain);
    expect(stepsOf(later)).toEqual(stepsOf(plain));
  });

  it.each([
    "38518@1618242847.894270:",
    "2024-03-01T10:00:00.123456Z ",
    "2024-03-01 10:00:00+0000: ",
    "Jan 13 18:17:37 vm qemu-system-x86_64[7131]: ",
    "янв 13 18:17:37 vm qemu-system-x86_64[7131]: ",
    "2024-03-01T10:00:00.123456+01:00 vm qemu[7131]: 7131@1618242847.894270:",
  ])("may carry the time, and what else a log puts in front: %s", (prefix) => {
    expect(stepsOf(plain.map((l) => prefix + l))).toEqual(stepsOf(plain));
  });

  it("may stand among other events, and lines may end in CRLF", () => {
    const mixed = plain.flatMap((l) => [
      `${l}\r`,
      "vfio_region_mmap Region 0000:00:05.0 BAR 0 [0x0 - 0x1ffff]\r",
    ]);
    expect(stepsOf(mixed).map((s) => s.map)).toEqual(stepsOf(plain).map((s) => s.map));
  });

  it("may stand among QEMU's messages about ranges it does not map, old and new", () => {
    const message = "qemu-system-x86_64: vfio_listener_region_add received unaligned region";
    const later = `${message} tpm-crb-cmd iova=0xfed40080 offset_within_region=0x0 qemu_real_host_page_size=0x1000`;
    const mixed = [message, ...plain, later.replace("_add ", "_del ")];
    expect(stepsOf(mixed).map((s) => s.map)).toEqual(stepsOf(plain).map((s) => s.map));
  });

  it("give regions behind a vIOMMU and RAM devices that cannot be mapped as skipped, with the name", () => {
    const { steps } = trace(
      "vfio_listener_region_add_iommu region_add [iommu] vtd-01.0-dmar 0x0 - 0xfedfffff",
      `${ADD} 0x100000000 - 0x100000fff [0x10000]`,
      'vfio_listener_region_add_no_dma_map Region "BAR 2" 0x100000000 size=0x1000 is not aligned to 0x10000 and cannot be mapped for DMA',
      "vfio_listener_region_del_iommu region_del [iommu] vtd-01.0-dmar",
      `${DEL} 0x0 - 0xfedfffff`,
      `${DEL} 0x100000000 - 0x100000fff`,
    );
    expect(steps.map((s) => s.map.regions.length)).toEqual([0, 0]);
    expect(steps[0]!.skipped.map((s) => [s.name, s.reason])).toEqual([
      ["vtd-01.0-dmar", "translated by a vIOMMU"],
      ["BAR 2", "not mappable for DMA"],
    ]);
    expect(steps[1]!.skipped).toEqual([]);
  });

  it.each([
    ["a range twice", [`${ADD} 0x0 - 0xfff [0x1000]`, `${ADD} 0x0 - 0xfff [0x1000]`], 2, "added at line 1"],
    ["a delete of what is not there", [`${DEL} 0x0 - 0xfff`], 1, "announced before"],
    ["a delete of a part", [`${ADD} 0x0 - 0x1fff [0x1000]`, `${DEL} 0x0 - 0xfff`], 2, "announced before"],
    ["an unknown listener event", ["vfio_listener_region_frob 0x0"], 1, "a vfio_listener_region_* event"],
    ["an address with a stray letter", [`${ADD} 0x0 - 0xffg [0x1000]`], 1, "a vfio_listener_region_* event"],
    ["an end before the start", [`${DEL} 0x2000 - 0x1fff`], 1, "ends after it starts"],
    ["an address inside a page", [`${ADD} 0x0 - 0xffe [0x1000]`], 1, "rounded to 4096-byte pages"],
    ["nothing", ["hello"], 0, "events of a QEMU trace"],
  ])("are refused with %s, naming the line", (_, lines, line, expected) => {
    expect(() => trace(...lines)).toThrow(InputError);
    expect(() => trace(...lines)).toThrow(expect.objectContaining({ file: "t", line }));
    expect(() => trace(...lines)).toThrow(expected);
  });
});
