import { describe, expect, it } from "vitest";
import { type IommuVersion, parseScript, runScript } from "../../src/harness/conformance/index.ts";
import type { Personality } from "../../src/kernel/index.ts";

/** Answers as `result errno fields`, by line. */
function run(text: string, version: IommuVersion = "v2", personality: Personality = "7.3"): string[] {
  const script = parseScript("s", "s.txt", text);
  return runScript(script, version, { personality, capability: "vtd-ss-39" }).map(
    ({ result, errno, fields }) => `${result} ${errno} ${fields}`.trimEnd(),
  );
}

describe("operations without a recording of their own", () => {
  it("map-many stops at the first error and says how many worked", () => {
    expect(
      run(
        "setup\nmem a 4M pop\nmap-many n=4 vaddr=a iova=0x10000000 step=8K\nmap-many n=9 vaddr=a iova=0xffff000\nextents 0xfff0000 0x10010000",
      ).slice(2),
    ).toEqual([
      "0 - mapped=4 lck=4",
      "-1 EEXIST mapped=1 lck=5",
      "0 - occ=ffff000-10000fff,10002000-10002fff,10004000-10004fff,10006000-10006fff " +
        "ext=ffff000-ffff" +
        "fff,10000000-10000fff,10002000-10002fff,10004000-10004fff,10006000-10006fff",
    ]);
  });

  it("puts structs at bad places", () => {
    const places = ["null", "bad", "kernel", "end:31", "end:32", "misaligned", "ro"];
    const lines = places.map((place, i) => `map vaddr=a iova=${i * 4096} size=4K place=${place}`);
    expect(run(["setup", "mem a 4M pop", ...lines].join("\n")).slice(2)).toEqual([
      ...Array(4).fill("-1 EFAULT lck=0"),
      "0 - lck=1",
      "0 - lck=2",
      "0 - lck=3",
    ]);
  });

  it("unmaps behind a read-only struct, and shows 0 for a size it cannot read", () => {
    expect(
      run(
        "setup\nmem a 4M pop\nmap vaddr=a size=8K\nunmap size=8K place=end:20\nunmap size=8K place=ro\nlocked",
      ).slice(2),
    ).toEqual(["0 - lck=2", "-1 EFAULT size=0x0 lck=2", "-1 EFAULT size=0x2000 lck=0", "0 - lck=0"]);
  });

  it("places bitmaps badly: EINVAL for kernel addresses, EFAULT only where bits are to be written", () => {
    const get = (place: string): string => `dirty-get iova=0x10000000 size=64K bptr=${place}`;
    expect(
      run(
        [
          "setup",
          "mem a 4M pop",
          "dirty flags=START",
          ...["null", "bad", "kernel", "ro"].map(get),
          "map vaddr=a iova=0x10001000 size=4K",
          ...["null", "bad", "kernel", "ro", "a", "buf"].map(get),
          "unmap-dirty iova=0x10000000 size=64K bptr=ro",
        ].join("\n"),
      ).slice(3),
    ).toEqual([
      "0 - dirty=0 bits=",
      "0 - dirty=0 bits=",
      "-1 EINVAL",
      "0 - dirty=0 bits=",
      "0 - lck=1",
      "-1 EFAULT",
      "-1 EFAULT",
      "-1 EINVAL",
      "-1 EFAULT",
      "0 - dirty=1 bits=1-1",
      "0 - dirty=1 bits=1-1",
      "-1 EFAULT size=0x10000 lck=1",
    ]);
  });

  it("sends any number to any file", () => {
    expect(
      run(
        "setup\nfile n /dev/null\nraw nr=0x3b99\nraw nr=0x3b7c\nraw nr=0x3b67\nraw nr=0x3b70 argsz=15\nraw nr=0x3b65 arg=9\n" +
          "raw nr=0x3b67 fd=g0\nraw nr=0x3b99 fd=g0\nraw nr=0x3b64 fd=n\nraw nr=0x3b64 fd=77\nraw nr=0x3b70 arg=0",
      ).slice(2),
    ).toEqual([
      "-1 ENOTTY",
      "-1 ENOTTY",
      "-1 ENOTTY",
      "-1 EINVAL",
      "1 -",
      "0 -",
      "-1 ENOTTY",
      "-1 ENOTTY",
      "-1 EBADF",
      "-1 EFAULT",
    ]);
  });

  it("limits, unprivileged users and parameters", () => {
    expect(
      run("rlimit memlock 8K\ndrop\nrlimit memlock 16K\nrlimit memlock 4K\nparam dma_entry_limit 3").map(
        (a) => a,
      ),
    ).toEqual(["0 -", "0 -", "-1 EPERM", "0 -", "-1 EACCES"]);
    expect(run("param colour 3\nparam disable_hugepages 2\nparam disable_hugepages Y")).toEqual([
      "-1 ENOENT",
      "-1 EINVAL",
      "0 -",
    ]);
  });

  it("lets an unprivileged process open a container but no group", () => {
    expect(run("drop\ncontainer c0\ngroup g0 index=0\nset-iommu type=V").slice(1)).toEqual([
      "0 -",
      "-1 EACCES",
      "-1 EINVAL",
    ]);
  });

  it("gives an unprivileged process the default limit of 8 MiB", () => {
    expect(
      run("setup\nmem a 16M pop\ndrop\nmap vaddr=a size=0x801000\nmap vaddr=a size=8M").slice(3),
    ).toEqual(["-1 ENOMEM lck=0", "0 - lck=2048"]);
  });

  it("keeps a device busy while its memory is mapped in the process", () => {
    expect(
      run(
        "setup\ndevice-fd d g0\nmem b 1M bar d\nclose d\ndetach g0\nmunmap b 1M\ndetach g0\nmem b 1M bar d\ndevice-fd d g0",
      ).slice(3),
    ).toEqual(["0 -", "-1 EBUSY", "0 -", "0 -", "-1 EBADF", "-1 EINVAL"]);
  });

  it("answers EBADF for a name that stands for no open file", () => {
    expect(run("getinfo\nclose c0\nattach g0 c0\nmap size=4K")).toEqual([
      "-1 EBADF wrote=0 argsz=104 flags=0x0",
      "-1 EBADF",
      "-1 EBADF",
      "-1 EBADF lck=0",
    ]);
  });

  it("shows what a set-up that fails answered", () => {
    expect(run("param allow_unsafe_interrupts 0\nsetup")).toEqual(["0 -", "-1 EPERM"]);
  });

  it("leaves tracking as it was when it looks for extents", () => {
    expect(
      run(
        "setup\nmem a 4M pop\nmap vaddr=a size=8K\nextents 0 16K\ndirty-get size=16K\ndirty flags=START\nextents 0 16K\ndirty-get size=16K",
      ).slice(3),
    ).toEqual([
      "0 - occ=0-1fff ext=0-1fff",
      "-1 EINVAL",
      "0 -",
      "0 - occ=0-1fff ext=0-1fff",
      "0 - dirty=2 bits=0-1",
    ]);
  });

  it("names the symbol that nobody made", () => {
    expect(() => run("setup\nmap vaddr=q size=4K")).toThrow(
      /s\.txt:2: expected 'q' to be made by mem before/,
    );
    expect(() => run("setup\nextents 0 4K step=0")).toThrow(/s\.txt:2: expected step= of at least one byte/);
  });
});
