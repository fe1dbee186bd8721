import type { MemoryKind } from "../../src/kernel/mm/types.ts";
import type { Personality } from "../../src/kernel/personality.ts";
import { Errno } from "../../src/uapi/errno.ts";
import { READ, type Rights, WRITE } from "../../src/units/index.ts";

/** One page of the naive model. */
export interface NaivePage {
  rights: Rights;
  readonly lazy: boolean;
  readonly device: boolean;
  /** A frame of its own is there. */
  present: boolean;
  /** 6.1 read pins left the zero page here. */
  zero: boolean;
  /** First byte of the page. */
  byte: number;
}

/** What an address space does, one page at a time and without any sharing: the yardstick of the real one. */
export class NaiveMemory {
  readonly pages = new Map<number, NaivePage>();
  readonly #personality: Personality;

  constructor(personality: Personality) {
    this.#personality = personality;
  }

  mmap(start: number, count: number, kind: MemoryKind): void {
    for (let p = start; p < start + count; p++) {
      this.pages.delete(p);
      if (kind === "unmapped") continue;
      const lazy = kind === "anon" || kind === "ro" || kind === "none";
      const rights = kind === "none" ? 0 : kind === "ro" || kind === "memfdro" ? READ : READ | WRITE;
      this.pages.set(p, { rights, lazy, device: kind === "bar", present: !lazy, zero: false, byte: 0 });
    }
  }

  munmap(start: number, count: number): void {
    for (let p = start; p < start + count; p++) this.pages.delete(p);
  }

  mprotect(start: number, count: number, rights: Rights): number {
    if (!this.#all(start, count, () => true)) return -Errno.ENOMEM;
    for (let p = start; p < start + count; p++) this.pages.get(p)!.rights = rights;
    return 0;
  }

  touch(start: number, count: number): number {
    if (!this.#all(start, count, (page) => (page.rights & WRITE) !== 0)) return -Errno.EFAULT;
    for (let p = start; p < start + count; p++) this.pages.get(p)!.present = true;
    return 0;
  }

  /** Writes `byte` to the first byte of each page, one page after the other. */
  write(start: number, count: number, byte: number): number {
    for (let p = start; p < start + count; p++) {
      const page = this.pages.get(p);
      if (page === undefined || !(page.rights & WRITE)) return -Errno.EFAULT;
      page.present = true;
      page.byte = byte;
    }
    return 0;
  }

  /** Pages accounted by a pin of the range, or -EFAULT; pages before the bad one have been faulted in. */
  pin(start: number, count: number, rights: Rights): number {
    let accounted = 0;
    for (let p = start; p < start + count; p++) {
      const page = this.pages.get(p);
      const need = rights & WRITE ? WRITE : READ;
      if (page === undefined || !(page.rights & need)) return -Errno.EFAULT;
      if (page.lazy && !page.present && need === READ && this.#personality === "6.1") page.zero = true;
      else {
        page.present = true;
        if (!page.device) accounted++;
      }
    }
    return accounted;
  }

  #all(start: number, count: number, accepts: (page: NaivePage) => boolean): boolean {
    for (let p = start; p < start + count; p++) {
      const page = this.pages.get(p);
      if (page === undefined || !accepts(page)) return false;
    }
    return true;
  }
}
