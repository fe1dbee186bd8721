import { describe, expect, it } from "vitest";
import { Kernel } from "../../src/kernel/index.ts";
import { READ, WRITE } from "../../src/units/index.ts";
import { VfioContainer } from "../../src/vmm/container.ts";
import { type BackingKind, GuestMemory } from "../../src/vmm/guest.ts";
import { loadInput } from "../../src/vmm/load-input.ts";
import { type MapSequence, makeMemoryMap, region } from "../../src/vmm/memory-map.ts";
import { VmmError } from "../../src/vmm/vmm-error.ts";
import { snapshotFolder } from "./captures.ts";
import { GROUPS } from "./emulated-vm.ts";

const MIB = 1 << 20;
const RAM = region(0, 64 * MIB, "ram", 0, READ | WRITE);
const ROM = region(128 * MIB, 4 * MIB, "rom", 0, READ);
const SMALL = region(256 * MIB, MIB, "bar", 0, READ | WRITE);
const sequence: MapSequence = {
  name: "test",
  source: "test",
  notes: [],
  steps: [{ label: "0", map: makeMemoryMap([RAM, ROM, SMALL]), origin: { file: "t", line: 1 }, skipped: [] }],
};
const guestOf = (backing: BackingKind, seed = 1) =>
  new GuestMemory(new Kernel().createProcess(), sequence, { backing, seed });
const longestRun = (guest: GuestMemory, r: typeof RAM): number =>
  Math.max(...[...guest.frameRuns(r)].map((run) => run.pages));

describe("guest memory", () => {
  it("is one mapping for each backing, as large as the sequence uses it", () => {
    const guest = new GuestMemory(new Kernel().createProcess(), loadInput(snapshotFolder("pc-seabios-boot")));
    expect(guest.backings.map((b) => [b.name, b.pages])).toEqual([
      ["pc.ram", 0x10_0000],
      ["pc.rom", 0x20],
      ["pc.bios", 0x40],
      ["vga.vram", 0x1000],
      ["vga.rom", 0x10],
      ["e1000.rom", 0x40],
    ]);
  });

  it("has huge frames for RAM only; ROMs and small memory stay ordinary", () => {
    expect(guestOf("huge2m").backings.map((b) => b.kind)).toEqual(["huge2m", "pop", "pop"]);
    expect(guestOf("huge1g").backings.map((b) => b.kind)).toEqual(["pop", "pop", "pop"]);
  });

  it.each([
    ["pop", 64 * 256],
    ["huge2m", 512],
    ["thp", 512],
    ["fragmented", 1],
  ] as const)("of kind %s has runs of %i frames", (kind, pages) => {
    const guest = guestOf(kind);
    expect(longestRun(guest, RAM)).toBeGreaterThanOrEqual(pages);
    expect(longestRun(guest, RAM)).toBeLessThan(pages === 64 * 256 ? pages + 1 : pages * 8);
    expect(guest.vaddrPfn(RAM) % 512).toBe(0);
  });

  it("is scattered the same way for the same seed and otherwise for another", () => {
    const runs = (seed: number) =>
      [...guestOf("fragmented", seed).frameRuns(RAM)].slice(0, 50).map((r) => r.pfn);
    expect(runs(3)).toEqual(runs(3));
    expect(runs(3)).not.toEqual(runs(4));
  });

  it("refuses regions it has no memory for", () => {
    const guest = guestOf("pop");
    expect(() => guest.vaddr(region(0, 4096, "nothing", 0, READ))).toThrow(
      "no memory for 1 pages of 'nothing'",
    );
    expect(() => guest.vaddr({ ...SMALL, offsetPages: 1 })).toThrow(RangeError);
  });

  it("that does not fit into the machine is an error with the backing's name", () => {
    const process = new Kernel({ ramFrames: 1 << 12 }).createProcess();
    expect(() => new GuestMemory(process, sequence)).toThrow(VmmError);
    expect(() => new GuestMemory(process, sequence)).toThrow("of backing 'ram': ENOMEM");
  });
});

describe("a container", () => {
  it("is opened through system calls only and is ready for mappings", () => {
    const kernel = new Kernel();
    const process = kernel.createProcess();
    const container = new VfioContainer(process, [...GROUPS, { index: 1, deviceName: "0000:00:05.0" }]);
    expect(kernel.domains()).toHaveLength(1);
    expect(container.groupFds).toHaveLength(2);
    expect(container.deviceFds).toHaveLength(2);
    expect(container.info().length).toBeGreaterThan(24);
  });

  it("gives everything back when it is closed, so that it can be opened again", () => {
    const kernel = new Kernel();
    const process = kernel.createProcess();
    const guest = new GuestMemory(process, sequence);
    const container = new VfioContainer(process, GROUPS);
    expect(container.mapDma(SMALL, guest.vaddr(SMALL))).toBe(0);
    const frame = [...guest.frameRuns(SMALL)][0]!.pfn;
    expect(kernel.framePins(frame)).toBe(1);
    container.close();
    expect(kernel.domains()).toHaveLength(0);
    expect(kernel.framePins(frame)).toBe(0);
    expect(new VfioContainer(process, GROUPS).extents).toEqual([]);
  });

  it.each([
    [[{ index: 9, deviceName: "x" }], "open of /dev/vfio/9: ENOENT"],
    [[{ index: 0, deviceName: "0000:00:05.0" }], "VFIO_GROUP_GET_DEVICE_FD of 0000:00:05.0: ENODEV"],
  ])("that cannot be had is an error naming the call: %j", (groups, message) => {
    const process = new Kernel().createProcess();
    expect(() => new VfioContainer(process, groups)).toThrow(message);
    const lowestDescriptor = new Kernel().createProcess().open("/dev/null");
    expect(new VfioContainer(process, GROUPS).fd).toBe(lowestDescriptor);
  });

  it("refuses a group that is in use", () => {
    const kernel = new Kernel();
    new VfioContainer(kernel.createProcess(), GROUPS);
    expect(() => new VfioContainer(kernel.createProcess(), GROUPS)).toThrow("open of /dev/vfio/0: EBUSY");
  });
});
