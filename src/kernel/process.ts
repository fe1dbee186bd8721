import { Errno } from "../uapi/errno.ts";
import { bytesToPage, hex, PAGE_SIZE_BYTES, pageToBytes, type Rights, vaddrPfn } from "../units/index.ts";
import { FdTable } from "./fd-table.ts";
import { type DeviceNodes, type FileOps, OpenFile } from "./file.ts";
import type { ProcessMemory } from "./mm/address-space.ts";
import type { MmapRequest } from "./mm/mmap-request.ts";
import type { MemoryKind } from "./mm/types.ts";

/** What `Process.mmap` takes beside size and kind; `at` as a byte address. */
export type MmapOptions = Omit<MmapRequest, "kind" | "pages" | "at"> & { readonly at?: bigint };

/** The process touched memory that is not there or not allowed: what SIGSEGV is to a real one. */
export class SegmentationFault extends Error {
  override name = "SegmentationFault";
}

/**
 * One emulated process, seen from its user space: system calls and its own loads and stores.
 * System calls return a result ≥ 0 or -errno, like the raw ones; addresses and lengths are bytes.
 */
export class Process {
  readonly pid: number;
  readonly mm: ProcessMemory;
  readonly #nodes: DeviceNodes;
  readonly #fds = new FdTable();

  constructor(pid: number, mm: ProcessMemory, nodes: DeviceNodes) {
    this.pid = pid;
    this.mm = mm;
    this.#nodes = nodes;
  }

  /** RLIMIT_MEMLOCK in bytes; Infinity lifts it. */
  setMemlockLimit(bytes: number): void {
    this.mm.setMemlockLimit(bytes);
  }

  /** RLIMIT_NOFILE. */
  setFileLimit(descriptors: number): void {
    this.#fds.setLimit(descriptors);
  }

  /** Becomes an ordinary user: CAP_IPC_LOCK is gone. */
  dropCapabilities(): void {
    this.mm.dropCapabilities();
  }

  /** Maps `sizeBytes`, rounded up to pages. Returns the byte address, or -errno as a negative bigint. */
  mmap(sizeBytes: number | bigint, kind: MemoryKind, options: MmapOptions = {}): bigint {
    const { at, ...rest } = options;
    if (at !== undefined && at % BigInt(PAGE_SIZE_BYTES) !== 0n) return BigInt(-Errno.EINVAL);
    const place = at === undefined ? {} : { at: vaddrPfn(bytesToPage(at)) };
    const page = this.mm.mmap({ kind, pages: pagesOf(sizeBytes), ...rest, ...place });
    return page < 0 ? BigInt(page) : pageToBytes(page);
  }

  munmap(vaddr: bigint, sizeBytes: number | bigint): number {
    return isPageAligned(vaddr) ? this.mm.munmap(bytesToPage(vaddr), pagesOf(sizeBytes)) : -Errno.EINVAL;
  }

  mprotect(vaddr: bigint, sizeBytes: number | bigint, rights: Rights): number {
    if (!isPageAligned(vaddr)) return -Errno.EINVAL;
    return this.mm.mprotect(bytesToPage(vaddr), pagesOf(sizeBytes), rights);
  }

  /** Replaces a range by fresh anonymous memory. */
  remap(vaddr: bigint, sizeBytes: number | bigint): number {
    return isPageAligned(vaddr) ? this.mm.remap(bytesToPage(vaddr), pagesOf(sizeBytes)) : -Errno.EINVAL;
  }

  /**
   * Stores to every page of [vaddr, vaddr + sizeBytes) so that their frames appear. Throws SegmentationFault
   * on a page that cannot be written.
   */
  touch(vaddr: bigint, sizeBytes: number | bigint): void {
    const start = bytesToPage(vaddr);
    const end = bytesToPage(vaddr + BigInt(sizeBytes) + BigInt(PAGE_SIZE_BYTES - 1));
    if (this.mm.touch(start, end - start) < 0) throw this.#fault("touch", vaddr, sizeBytes);
  }

  /** Stores bytes as user space does. */
  write(vaddr: bigint, bytes: Uint8Array): void {
    if (this.mm.copyToUser(vaddr, bytes) < 0) throw this.#fault("write", vaddr, bytes.length);
  }

  /** Loads bytes as user space does. */
  read(vaddr: bigint, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    if (this.mm.copyFromUser(bytes, vaddr) < 0) throw this.#fault("read", vaddr, length);
    return bytes;
  }

  /** Returns a descriptor, or -EMFILE, -ENOENT or what the node answers. */
  open(path: string): number {
    const fd = this.#fds.free();
    if (fd < 0) return fd;
    const ops = this.#nodes.open(path, this);
    if (typeof ops === "number") return ops;
    this.#fds.install(fd, new OpenFile(ops));
    return fd;
  }

  close(fd: number): number {
    const file = this.#fds.remove(fd);
    if (file === undefined) return -Errno.EBADF;
    file.put();
    return 0;
  }

  ioctl(fd: number, nr: number, arg: bigint | number = 0n): number {
    const file = this.#fds.get(fd)?.get();
    if (file === undefined) return -Errno.EBADF;
    try {
      return file.ops.ioctl(this, nr >>> 0, BigInt.asUintN(64, BigInt(arg)));
    } finally {
      file.put();
    }
  }

  /** The open file behind a descriptor; who keeps it calls `get` on it. */
  file(fd: number): OpenFile | undefined {
    return this.#fds.get(fd);
  }

  /** Gives a file the kernel made to user space: a descriptor, or -EMFILE and then `ops` is not released. */
  installFile(ops: FileOps): number {
    const fd = this.#fds.free();
    if (fd >= 0) this.#fds.install(fd, new OpenFile(ops));
    return fd;
  }

  /**
   * Ends the process: memory first, then files, as Linux does. What containers still pin keeps its frames
   * until they are released.
   */
  exit(): void {
    this.mm.exit();
    for (const file of this.#fds.removeAll()) file.put();
  }

  #fault(what: string, vaddr: bigint, bytes: number | bigint): SegmentationFault {
    return new SegmentationFault(
      `process ${this.pid}: ${what} of ${bytes} bytes at ${hex(vaddr)} is not allowed`,
    );
  }
}

const isPageAligned = (vaddr: bigint): boolean => vaddr % BigInt(PAGE_SIZE_BYTES) === 0n;

const pagesOf = (bytes: number | bigint): number =>
  typeof bytes === "bigint"
    ? bytesToPage(bytes + BigInt(PAGE_SIZE_BYTES - 1))
    : Math.ceil(bytes / PAGE_SIZE_BYTES);
