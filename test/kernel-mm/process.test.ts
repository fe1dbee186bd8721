import { describe, expect, it } from "vitest";
import { KernelBug } from "../../src/kernel/fault-injection.ts";
import { DeviceNodes, type FileOps, OpenFile } from "../../src/kernel/file.ts";
import { Process, SegmentationFault } from "../../src/kernel/process.ts";
import { Errno } from "../../src/uapi/errno.ts";
import { bytesToPage, READ, vaddrPfn, WRITE } from "../../src/units/index.ts";
import { emptyRun, makeMachine } from "./machine.ts";

/** A node whose ioctls are recorded and whose release is counted. */
class Recorder implements FileOps {
  readonly calls: [number, number, bigint][] = [];
  released = 0;
  ioctl(process: Process, nr: number, arg: bigint): number {
    this.calls.push([process.pid, nr, arg]);
    return 7;
  }
  release(): void {
    this.released++;
  }
}

function setUp() {
  const machine = makeMachine();
  const nodes = new DeviceNodes();
  const opened: Recorder[] = [];
  nodes.register("/dev/recorder", () => {
    const recorder = new Recorder();
    opened.push(recorder);
    return recorder;
  });
  nodes.register("/dev/busy", () => -Errno.EBUSY);
  return { machine, nodes, opened, process: new Process(100, machine.newMemory(), nodes) };
}

describe("file descriptors", () => {
  it("are the lowest free ones and close once", () => {
    const { process, opened } = setUp();
    expect([process.open("/dev/recorder"), process.open("/dev/recorder")]).toEqual([3, 4]);
    expect(process.close(3)).toBe(0);
    expect(opened.map((o) => o.released)).toEqual([1, 0]);
    expect(process.close(3)).toBe(-Errno.EBADF);
    expect(opened.map((o) => o.released)).toEqual([1, 0]);
    expect(process.open("/dev/null")).toBe(3);
  });

  it("hand ioctl number and argument to the file as unsigned 32 and 64 bits", () => {
    const { process, opened } = setUp();
    const fd = process.open("/dev/recorder");
    expect(process.ioctl(fd, 0x3b71, -1n)).toBe(7);
    expect(process.ioctl(fd, -1)).toBe(7);
    expect(opened[0]!.calls).toEqual([
      [100, 0x3b71, 0xffff_ffff_ffff_ffffn],
      [100, 0xffff_ffff, 0n],
    ]);
  });

  it("answer EBADF when closed, ENOTTY for an ordinary file, ENOENT and the node's error at open", () => {
    const { process } = setUp();
    for (const fd of [-1, 0, 3, 9999]) expect(process.ioctl(fd, 0x3b64)).toBe(-Errno.EBADF);
    const fd = process.open("/dev/null");
    expect(process.ioctl(fd, 0x3b64)).toBe(-Errno.ENOTTY);
    expect(process.open("/dev/nothing")).toBe(-Errno.ENOENT);
    expect(process.open("/dev/busy")).toBe(-Errno.EBUSY);
    expect(process.open("/dev/null")).toBe(fd + 1);
  });

  it("run out with EMFILE, without opening the node", () => {
    const { process, opened } = setUp();
    process.setFileLimit(5);
    expect([process.open("/dev/recorder"), process.open("/dev/recorder")]).toEqual([3, 4]);
    expect(process.open("/dev/recorder")).toBe(-Errno.EMFILE);
    const extra = new Recorder();
    expect(process.installFile(extra)).toBe(-Errno.EMFILE);
    expect(opened).toHaveLength(2);
    expect(extra.released).toBe(0);
    expect(process.close(3)).toBe(0);
    expect(process.installFile(extra)).toBe(3);
  });

  it("release a file with its last reference only, even when it is closed inside its own ioctl", () => {
    const { process, opened } = setUp();
    const fd = process.open("/dev/recorder");
    const held = process.file(fd)!.get();
    expect(process.close(fd)).toBe(0);
    expect(opened[0]!.released).toBe(0);
    held.put();
    expect(opened[0]!.released).toBe(1);
    expect(() => held.put()).toThrow(KernelBug);
    expect(() => held.get()).toThrow(KernelBug);

    const log: string[] = [];
    const closing: FileOps = {
      ioctl: (p) => {
        expect(p.close(3)).toBe(0);
        log.push("ioctl ends");
        return 0;
      },
      release: () => log.push("released"),
    };
    expect(process.installFile(closing)).toBe(3);
    expect(process.ioctl(3, 1)).toBe(0);
    expect(log).toEqual(["ioctl ends", "released"]);
  });

  it("cannot share a path between two nodes", () => {
    const { nodes } = setUp();
    expect(() => nodes.register("/dev/recorder", () => -Errno.ENODEV)).toThrow(KernelBug);
    expect(new OpenFile(new Recorder()).references).toBe(1);
  });
});

describe("loads and stores of user space", () => {
  it("read back what was written and die on a bad address, naming it", () => {
    const { process } = setUp();
    const at = process.mmap(8192, "anon");
    process.write(at + 4090n, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
    expect([...process.read(at + 4089n, 10)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 0]);
    expect(() => process.read(at + 8190n, 4)).toThrow(SegmentationFault);
    expect(() => process.write(0n, Uint8Array.of(1))).toThrow("process 100: write of 1 bytes at 0x0");
    expect(process.mprotect(at, 4096, READ)).toBe(0);
    expect(() => process.write(at, Uint8Array.of(1))).toThrow(SegmentationFault);
    expect(() => process.touch(at, 8192)).toThrow(SegmentationFault);
    process.touch(at + 4096n, 1);
  });

  it("take byte addresses and round lengths up to pages", () => {
    const { process } = setUp();
    const at = process.mmap(5000n, "pop");
    expect(process.mm.frameArray(vaddrPfn(bytesToPage(at)), 2).kind).toBe("contiguous");
    expect(process.munmap(at + 1n, 4096)).toBe(-Errno.EINVAL);
    expect(process.mprotect(at + 1n, 4096, READ)).toBe(-Errno.EINVAL);
    expect(process.remap(at + 1n, 4096)).toBe(-Errno.EINVAL);
    expect(process.mmap(4096, "anon", { at: at + 1n })).toBe(BigInt(-Errno.EINVAL));
    expect(process.munmap(at, 0)).toBe(-Errno.EINVAL);
    expect(process.munmap(at + 4096n, 1)).toBe(0);
    expect(() => process.read(at + 4096n, 1)).toThrow(SegmentationFault);
    expect(process.read(at, 4096)).toHaveLength(4096);
    expect(process.mmap(4096, "ro", { at })).toBe(at);
  });
});

describe("exit of a process", () => {
  it("unmaps all memory, releases all files and keeps what is still pinned", () => {
    const { machine, process, opened } = setUp();
    const free = machine.frames.freeFrames;
    const at = process.mmap(1 << 20, "pop");
    const run = emptyRun();
    expect(process.mm.pinRun(vaddrPfn(bytesToPage(at)), 256, READ | WRITE, run)).toBe(256);
    process.open("/dev/recorder");
    process.open("/dev/recorder");
    process.exit();
    expect(opened.map((o) => o.released)).toEqual([1, 1]);
    expect(process.ioctl(3, 1)).toBe(-Errno.EBADF);
    expect(() => process.read(at, 1)).toThrow(SegmentationFault);
    expect(machine.frames.reclaim()).toBe(1);
    process.mm.unpinRun(run.pfn, run.pages);
    expect(machine.frames.reclaim()).toBe(0);
    expect(machine.frames.freeFrames).toBe(free);
  });
});

describe("limits and capabilities", () => {
  it("belong to one process", () => {
    const { machine, nodes, process } = setUp();
    const other = new Process(101, machine.newMemory(), nodes);
    process.setMemlockLimit(8192);
    process.dropCapabilities();
    expect([process.mm.memlockLimitPages, process.mm.capIpcLock]).toEqual([2, false]);
    expect([other.mm.memlockLimitPages, other.mm.capIpcLock]).toEqual([Number.POSITIVE_INFINITY, true]);
  });
});
