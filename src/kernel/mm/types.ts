import type { Pfn, Rights, VaddrPfn } from "../../units/index.ts";
import type { FaultInjector } from "../fault-injection.ts";

/**
 * What vfio needs of a process's memory. Implemented by mm/address-space.ts; kernel-internal functions return
 * 0 (or a count) or a negative errno, never throw for a caller's mistake.
 */

/** How a user mapping is backed; the kinds of the conformance language plus guest RAM of different frame sizes. */
export type MemoryKind =
  | "anon" /* private anonymous, untouched: frames appear when touched or pinned; a read pin in 6.1 finds the zero page */
  | "pop" /* private anonymous, populated at mmap */
  | "thp" /* private anonymous, populated with 2 MiB frames where aligned */
  | "huge2m"
  | "huge1g"
  | "ro" /* PROT_READ anonymous */
  | "none" /* PROT_NONE */
  | "memfd"
  | "memfdro"
  | "unmapped" /* reserves addresses only: every access faults */
  | "bar" /* device MMIO: PFNs without struct page, not accounted, not pinned */;

/** How frames are laid out behind a populated mapping. */
export type FrameLayout =
  | { readonly kind: "contiguous" }
  | { readonly kind: "fragmented"; readonly seed: number } /* every 4 KiB frame somewhere else, seeded */;

/**
 * One physically contiguous piece. `accounted` is false for reserved PFNs (MMIO, and the zero page where the
 * personality exempts it).
 */
export interface PinnedRun {
  pfn: Pfn;
  pages: number;
  accounted: boolean;
  /** False for PFNs without struct page: nothing was pinned and nothing must be unpinned. */
  pinned: boolean;
}

/** Memory of one process. Every number of pages is in 4 KiB pages, whatever frames stand behind them. */
export interface AddressSpace {
  /** 4 KiB pages charged to RLIMIT_MEMLOCK; shared by all containers of the process. */
  lockedVm: number;
  /** Limit in pages; Infinity = unlimited. */
  readonly memlockLimitPages: number;
  readonly capIpcLock: boolean;
  /** Asked at every place that can fail for lack of something. */
  readonly faults: FaultInjector;

  /** Copies user bytes in. Returns 0 or -EFAULT; on error `dst` may be partly written. */
  copyFromUser(dst: Uint8Array, vaddr: bigint): number;
  /** Copies kernel bytes out. Returns 0 or -EFAULT; bytes before the bad page may have been written. */
  copyToUser(vaddr: bigint, src: Uint8Array): number;
  /**
   * View of readable user bytes where the whole range is held in one piece, else null: then `copyFromUser`
   * decides, copy or -EFAULT. User space may rewrite the bytes at any time, so the kernel copies from the
   * view once and reads only its copy.
   */
  userBytes(vaddr: bigint, lengthBytes: number): Uint8Array | null;

  /**
   * Faults in and pins the first physically contiguous run of [start, start + pages); long-term pin,
   * FOLL_WRITE iff `write`. Returns the number of pages (≥ 1) with `run` filled in, or -EFAULT / -ENOMEM with
   * nothing pinned. Asks fault injection once ("pin").
   */
  pinRun(start: VaddrPfn, pages: number, rights: Rights, run: PinnedRun): number;
  /** Drops one pin from each page of a run. */
  unpinRun(first: Pfn, pages: number): void;
}
