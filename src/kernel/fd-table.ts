import { Errno } from "../uapi/errno.ts";
import type { OpenFile } from "./file.ts";

/** First descriptor handed out; 0 to 2 are the standard streams, which nothing here uses. */
const FIRST_FD = 3;

/** Descriptors of one process: small integers, lowest free one first. */
export class FdTable {
  readonly #files = new Map<number, OpenFile>();
  #limit: number;

  constructor(limit = 1024) {
    this.#limit = limit;
  }

  get openFiles(): number {
    return this.#files.size;
  }

  /** RLIMIT_NOFILE: one more than the highest descriptor to be handed out. */
  setLimit(limit: number): void {
    this.#limit = limit;
  }

  /** The lowest free descriptor, or -EMFILE. */
  free(): number {
    let fd = FIRST_FD;
    while (this.#files.has(fd)) fd++;
    return fd < this.#limit ? fd : -Errno.EMFILE;
  }

  get(fd: number): OpenFile | undefined {
    return this.#files.get(fd);
  }

  /** Binds a descriptor that `free` answered; the caller's reference becomes the table's. */
  install(fd: number, file: OpenFile): void {
    this.#files.set(fd, file);
  }

  /** Takes a descriptor away and hands its reference to the caller. */
  remove(fd: number): OpenFile | undefined {
    const file = this.#files.get(fd);
    this.#files.delete(fd);
    return file;
  }

  /** Takes all away, ascending. */
  removeAll(): OpenFile[] {
    const files = [...this.#files.keys()].sort((a, b) => a - b).map((fd) => this.#files.get(fd)!);
    this.#files.clear();
    return files;
  }
}
