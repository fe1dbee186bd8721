import { Errno } from "../uapi/errno.ts";
import { KernelBug } from "./fault-injection.ts";
import type { Process } from "./process.ts";

/**
 * What an open file can do. Drivers implement it; other drivers tell kinds of files apart by the class of
 * their `ops`.
 */
export interface FileOps {
  /**
   * Returns a value ≥ 0 or -errno. `arg` is the raw 64-bit argument: a value or a pointer into the process's
   * memory.
   */
  ioctl(process: Process, nr: number, arg: bigint): number;
  /** The last reference is gone. */
  release(): void;
}

/** An open file description: shared by descriptors and by whoever in the kernel holds on to it. */
export class OpenFile {
  readonly ops: FileOps;
  #references = 1;

  constructor(ops: FileOps) {
    this.ops = ops;
  }

  get references(): number {
    return this.#references;
  }

  /** Takes one more reference and returns the file. */
  get(): this {
    if (this.#references === 0) throw new KernelBug("OpenFile.get: the file is released");
    this.#references++;
    return this;
  }

  /** Drops one reference; the last one releases the file. */
  put(): void {
    if (this.#references === 0) throw new KernelBug("OpenFile.put: the file is released");
    if (--this.#references === 0) this.ops.release();
  }
}

/** Opens a node for a process: file operations, or -errno. */
export type OpenNode = (process: Process) => FileOps | number;

/** A file that knows no ioctl. */
export const ORDINARY_FILE: FileOps = {
  ioctl: () => -Errno.ENOTTY,
  release: () => {},
};

/** The paths that can be opened. `/dev/null` and `/dev/zero` are there from the start, as ordinary files. */
export class DeviceNodes {
  readonly #nodes = new Map<string, OpenNode>([
    ["/dev/null", () => ORDINARY_FILE],
    ["/dev/zero", () => ORDINARY_FILE],
  ]);

  /** Makes `path` openable. Throws KernelBug when it is taken. */
  register(path: string, open: OpenNode): void {
    if (this.#nodes.has(path)) throw new KernelBug(`DeviceNodes.register: ${path} is registered already`);
    this.#nodes.set(path, open);
  }

  unregister(path: string): void {
    this.#nodes.delete(path);
  }

  /** Opens `path`: file operations or -errno, -ENOENT for an unknown path. */
  open(path: string, process: Process): FileOps | number {
    return this.#nodes.get(path)?.(process) ?? -Errno.ENOENT;
  }
}
