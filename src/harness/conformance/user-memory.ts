import type { Process } from "../../kernel/index.ts";

const PAGE = 4096;
/** Room for a struct with everything a kernel may write behind it. */
const STRUCT_BYTES = 2 * PAGE;
/** An address of the kernel's half, and one nothing is ever mapped at. */
const KERNEL_ADDRESS = 0xffff_8000_0000_0000n;
const BAD_ADDRESS = 0x10_0000n;
/** Largest bitmap that gets a buffer of its own; the kernel refuses larger ones. */
const BITMAP_BYTES = 1 << 28;

/** The recorder's own memory: where structs and bitmaps of a call lie. */
export class UserMemory {
  readonly #process: Process;
  /** Writable; the page behind it is not mapped. */
  readonly #writable: bigint;
  readonly #readOnly: bigint;
  readonly #bitmap: bigint;
  readonly #readOnlyBitmap: bigint;

  constructor(process: Process) {
    this.#process = process;
    this.#writable = process.mmap(STRUCT_BYTES, "pop");
    this.#readOnly = process.mmap(STRUCT_BYTES, "pop");
    this.#bitmap = process.mmap(BITMAP_BYTES, "anon");
    this.#readOnlyBitmap = process.mmap(PAGE, "ro");
  }

  /** Puts a struct where `place` says and returns its address; of `end:N` only N bytes are there. */
  put(bytes: Uint8Array, place: string | undefined): bigint {
    const end = this.#writable + BigInt(STRUCT_BYTES);
    switch (place) {
      case undefined:
        this.#process.write(this.#writable, bytes);
        return this.#writable;
      case "null":
        return 0n;
      case "bad":
        return BAD_ADDRESS;
      case "kernel":
        return KERNEL_ADDRESS;
      case "misaligned":
        this.#process.write(this.#writable + 1n, bytes);
        return this.#writable + 1n;
      case "ro":
        this.#process.mprotect(this.#readOnly, STRUCT_BYTES, 3);
        this.#process.write(this.#readOnly, bytes);
        this.#process.mprotect(this.#readOnly, STRUCT_BYTES, 1);
        return this.#readOnly;
      default: {
        const accessible = Math.min(Number(place.slice("end:".length)), STRUCT_BYTES);
        this.#process.write(end - BigInt(accessible), bytes.subarray(0, accessible));
        return end - BigInt(accessible);
      }
    }
  }

  /** Address of a bitmap buffer of `bytes`; `buf` is zeroed first. */
  bitmap(place: string, bytes: bigint, number: (text: string) => bigint): bigint {
    switch (place) {
      case "buf": {
        const used = Number(bytes < BITMAP_BYTES ? bytes : BigInt(BITMAP_BYTES));
        if (used <= PAGE) this.#process.write(this.#bitmap, new Uint8Array(used));
        else this.#process.remap(this.#bitmap, BITMAP_BYTES);
        return this.#bitmap;
      }
      case "null":
        return 0n;
      case "bad":
        return BAD_ADDRESS;
      case "kernel":
        return KERNEL_ADDRESS;
      case "ro":
        return this.#readOnlyBitmap;
      default:
        return number(place);
    }
  }

  /** A bitmap buffer whose content nobody looks at. */
  get scratch(): bigint {
    return this.#bitmap;
  }

  /** What lies at an address; bytes that cannot be read are zero, and `readable` says how many can. */
  peek(address: bigint, length: number): { bytes: Uint8Array; readable: number } {
    const bytes = new Uint8Array(length);
    if (this.#process.mm.copyFromUser(bytes, address) === 0) return { bytes, readable: length };
    const byte = new Uint8Array(1);
    for (let i = 0; i < length; i++) {
      if (this.#process.mm.copyFromUser(byte, address + BigInt(i)) < 0)
        return { bytes: bytes.fill(0, i), readable: i };
      bytes[i] = byte[0]!;
    }
    return { bytes, readable: length };
  }
}
