import type { Engine } from "../../engine/types.ts";
import { Errno } from "../../uapi/errno.ts";
import { PAGES_PER_2M, type Pfn, type Rights, type VaddrPfn, WRITE } from "../../units/index.ts";
import type { FaultInjector } from "../fault-injection.ts";
import type { Personality } from "../personality.ts";
import { type FrameAllocator, naturalAlignment } from "./frames.ts";
import { type MmapRequest, makeBacking, mappingUnit, protectionOf } from "./mmap-request.ts";
import { type FrameArray, frameArray, PagemapCursor, type PagemapRun, pagemapRuns } from "./pagemap.ts";
import type { AddressSpace, PinnedRun } from "./types.ts";
import { copyIn, copyOut, TASK_SIZE_PAGES, userView } from "./user-copy.ts";
import { type Vma, VmaList } from "./vma.ts";

/** First page of the area where mappings without a wish are placed: 16 TiB. */
const MMAP_BASE_PFN = 0x1_0000_0000;
/** At least one unmapped page lies behind every mapping placed by the kernel. */
const GUARD_PAGES = 1;

/** What all address spaces of one machine share. */
export interface MemoryHost {
  readonly frames: FrameAllocator;
  readonly engine: Pick<Engine, "pinFrames" | "unpinFrames">;
  readonly faults: FaultInjector;
  readonly personality: Personality;
}

/**
 * The memory of one process. Calls take page numbers and answer 0 (or a count) or -errno; a failed call
 * changes nothing.
 */
export class ProcessMemory implements AddressSpace {
  lockedVm = 0;
  readonly faults: FaultInjector;
  readonly #host: MemoryHost;
  readonly #areas = new VmaList();
  #memlockLimitPages = Number.POSITIVE_INFINITY;
  #capIpcLock = true;
  #nextFree = MMAP_BASE_PFN;

  constructor(host: MemoryHost) {
    this.#host = host;
    this.faults = host.faults;
  }

  get memlockLimitPages(): number {
    return this.#memlockLimitPages;
  }
  get capIpcLock(): boolean {
    return this.#capIpcLock;
  }
  /** RLIMIT_MEMLOCK in bytes; only whole pages count. */
  setMemlockLimit(bytes: number): void {
    this.#memlockLimitPages = Math.floor(bytes / 4096);
  }
  dropCapabilities(): void {
    this.#capIpcLock = false;
  }

  /**
   * Maps memory and returns its first page, or -ENOMEM, or -EINVAL for a request that makes no sense.
   * Lengths of huge kinds are rounded up to their page. Without `at` the place is aligned like the memory's
   * largest leaf, 2 MiB at least.
   */
  mmap(request: MmapRequest): number {
    const unit = mappingUnit(request.kind);
    const pages = Math.ceil(request.pages / unit) * unit;
    if (!(pages > 0) || !Number.isSafeInteger(pages)) return -Errno.EINVAL;
    const at = request.at;
    if (at !== undefined && (at < 0 || at % unit !== 0)) return -Errno.EINVAL;
    if (at !== undefined && !this.#areas.canCut(at, at + pages)) return -Errno.EINVAL;
    const align = Math.max(PAGES_PER_2M, unit, naturalAlignment(pages));
    const start = at ?? this.#placeFor(pages, align);
    if (start < 0 || start + pages > TASK_SIZE_PAGES) return -Errno.ENOMEM;
    if (request.kind === "unmapped") {
      this.#drop(start, start + pages);
      this.#nextFree = Math.max(this.#nextFree, start + pages + GUARD_PAGES);
      return start;
    }
    const backing = makeBacking(request, pages, this.#host.frames, this.#host.personality);
    if (typeof backing === "number") return backing;
    this.#drop(start, start + pages);
    this.#nextFree = Math.max(this.#nextFree, start + pages + GUARD_PAGES);
    backing.references += pages;
    const rights = protectionOf(request.kind);
    this.#areas.insert({ start, end: start + pages, rights, backing, offset: 0, granule: unit });
    return start;
  }

  /** Unmaps [start, start + pages); holes are fine. Frames that are pinned stay until the last unpin. */
  munmap(start: number, pages: number): number {
    if (!inUserSpace(start, pages) || !this.#areas.canCut(start, start + pages)) return -Errno.EINVAL;
    this.#drop(start, start + pages);
    return 0;
  }

  /**
   * Changes the protection of [start, start + pages). -ENOMEM when a page of it is not mapped. Pins that
   * exist are not affected.
   */
  mprotect(start: number, pages: number, rights: Rights): number {
    if (pages === 0) return 0;
    if (!inUserSpace(start, pages) || !this.#areas.canCut(start, start + pages)) return -Errno.EINVAL;
    if (!this.#wholeRange(start, pages, () => true)) return -Errno.ENOMEM;
    for (const area of this.#areas.isolate(start, start + pages)) area.rights = rights;
    return 0;
  }

  /** Puts fresh, untouched anonymous memory over [start, start + pages), as mmap with MAP_FIXED does. */
  remap(start: number, pages: number): number {
    if (!inUserSpace(start, pages)) return -Errno.EINVAL;
    return Math.min(0, this.mmap({ kind: "anon", pages, at: start as VaddrPfn }));
  }

  /** A store by user space to every page of the range. -EFAULT when one is not writable. */
  touch(start: number, pages: number): number {
    if (pages === 0) return 0;
    if (!inUserSpace(start, pages)) return -Errno.EFAULT;
    if (!this.#wholeRange(start, pages, (area) => (area.rights & WRITE) !== 0)) return -Errno.EFAULT;
    for (let page = start; page < start + pages; ) {
      const area = this.#areas.find(page)!;
      const end = Math.min(area.end, start + pages);
      const shift = area.offset - area.start;
      area.backing.write(page + shift, end + shift);
      page = end;
    }
    return 0;
  }

  copyFromUser(dst: Uint8Array, vaddr: bigint): number {
    return copyIn(this.#areas, dst, vaddr);
  }

  copyToUser(vaddr: bigint, src: Uint8Array): number {
    return copyOut(this.#areas, vaddr, src);
  }

  userBytes(vaddr: bigint, lengthBytes: number): Uint8Array | null {
    return userView(this.#areas, vaddr, lengthBytes);
  }

  pinRun(start: VaddrPfn, pages: number, rights: Rights, run: PinnedRun): number {
    if (this.faults.shouldFail("pin")) return -Errno.ENOMEM;
    const first = this.#areas.find(start);
    if (first === undefined || !allows(first, rights)) return -Errno.EFAULT;
    const write = (rights & WRITE) !== 0;
    faultArea(first, start, pages, write, run);
    if (run.pinned) first.backing.block?.notePinned(run.pfn, run.pages);
    let end = first.end;
    while (run.pages < pages && start + run.pages === end) {
      /* Areas split by mprotect still lie on one run of frames. */
      const area = this.#areas.find(end);
      if (area === undefined || !allows(area, rights)) break;
      end = area.end;
      const piece = { ...run };
      faultArea(area, start + run.pages, pages - run.pages, write, piece);
      if (piece.pfn !== run.pfn + run.pages || piece.accounted !== run.accounted) break;
      if (piece.pinned) area.backing.block?.notePinned(piece.pfn, piece.pages);
      run.pages += piece.pages;
    }
    if (run.pinned) this.#host.engine.pinFrames(run.pfn, run.pages);
    return run.pages;
  }

  unpinRun(first: Pfn, pages: number): void {
    this.#host.engine.unpinFrames(first, pages);
  }

  /** Present pages of a range as /proc/PID/pagemap would tell, in runs of contiguous frames. */
  pagemap(start: VaddrPfn, pages: number): Generator<PagemapRun> {
    return pagemapRuns(this.#areas, start, pages);
  }

  /** The same run by run, for millions of them. */
  pagemapCursor(start: VaddrPfn, pages: number): PagemapCursor {
    return new PagemapCursor(this.#areas, start, pages);
  }

  /** The same as one number or one typed array. */
  frameArray(start: VaddrPfn, pages: number): FrameArray {
    return frameArray(this.#areas, start, pages);
  }

  /** Areas, ascending; for reports and tests. */
  areas(): Iterable<Readonly<Vma>> {
    return this.#areas;
  }

  /** The process ends: everything is unmapped. Pins of containers keep their frames. */
  exit(): void {
    this.#drop(0, TASK_SIZE_PAGES);
  }

  #drop(start: number, end: number): void {
    for (const { backing, start: s, end: e } of this.#areas.remove(start, end)) {
      backing.references -= e - s;
      if (backing.references === 0 && backing.block !== null) this.#host.frames.release(backing.block);
    }
  }

  #wholeRange(start: number, pages: number, accepts: (area: Vma) => boolean): boolean {
    for (let page = start; page < start + pages; ) {
      const area = this.#areas.find(page);
      if (area === undefined || !accepts(area)) return false;
      page = area.end;
    }
    return true;
  }

  /* Places lie above everything ever mapped, so that an address is not soon reused for something else; gaps
     are searched when the top is reached. */
  #placeFor(pages: number, align: number): number {
    const start = Math.ceil(this.#nextFree / align) * align;
    if (start + pages <= TASK_SIZE_PAGES) return start;
    let low = MMAP_BASE_PFN;
    for (let area = this.#areas.next(low); ; area = this.#areas.next(low)) {
      const candidate = Math.ceil(low / align) * align;
      if (candidate + pages + GUARD_PAGES <= (area?.start ?? TASK_SIZE_PAGES)) return candidate;
      if (area === undefined) return -Errno.ENOMEM;
      low = area.end + GUARD_PAGES;
    }
  }
}

const inUserSpace = (start: number, pages: number): boolean =>
  start >= 0 && pages > 0 && start + pages <= TASK_SIZE_PAGES;

const allows = (area: Vma, rights: Rights): boolean => (area.rights & needed(rights)) !== 0;

/* A pin without FOLL_WRITE needs a readable area, one with it a writable one. */
const needed = (rights: Rights): Rights => (rights & WRITE ? WRITE : 1);

function faultArea(area: Vma, page: number, limit: number, write: boolean, run: PinnedRun): void {
  area.backing.fault(page - area.start + area.offset, Math.min(limit, area.end - page), write, run);
}
