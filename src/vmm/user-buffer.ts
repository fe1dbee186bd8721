import type { Process } from "../kernel/index.ts";
import { VmmError } from "./vmm-error.ts";

/** A piece of the process's own memory for ioctl arguments; grows as needed and is reused by the next call. */
export class UserBuffer {
  readonly #process: Process;
  #vaddr = 0n;
  #sizeBytes = 0;

  constructor(process: Process) {
    this.#process = process;
  }

  /** Address of at least `sizeBytes` bytes. What the buffer held may be gone. Throws VmmError when memory is exhausted. */
  reserve(sizeBytes: number): bigint {
    if (sizeBytes > this.#sizeBytes) {
      if (this.#sizeBytes > 0) this.#process.munmap(this.#vaddr, this.#sizeBytes);
      this.#sizeBytes = Math.max(4096, 2 ** Math.ceil(Math.log2(sizeBytes)));
      const vaddr = this.#process.mmap(this.#sizeBytes, "pop");
      if (vaddr < 0n) throw new VmmError(`mmap of ${this.#sizeBytes} bytes for arguments`, Number(vaddr));
      this.#vaddr = vaddr;
    }
    return this.#vaddr;
  }

  /** Puts bytes at the start of the buffer and returns their address. */
  put(bytes: Uint8Array): bigint {
    const vaddr = this.reserve(bytes.length);
    if (bytes.length > 0) this.#process.write(vaddr, bytes);
    return vaddr;
  }

  /** Bytes at the start of the buffer. */
  get(lengthBytes: number): Uint8Array {
    return this.#process.read(this.#vaddr, lengthBytes);
  }
}
