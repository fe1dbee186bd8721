import { type Pfn, pfn } from "../../units/index.ts";
import type { FrameBlock } from "./frame-block.ts";
import { ZERO_PAGE_PFN } from "./frames.ts";
import { PageBitmap } from "./page-bitmap.ts";
import type { PinnedRun } from "./types.ts";
import { UserBytes } from "./user-bytes.ts";

/**
 * What stands behind a mapping: frames, which of them user space has made appear, and the bytes it wrote.
 * One backing may serve several VMAs (after a split, or shared memory); page indices count from its own start.
 */
export abstract class Backing {
  readonly pages: number;
  readonly bytes: UserBytes;
  /** Pages mapped by VMAs, plus one for an open handle. At zero the frames are given back. */
  references = 0;

  protected constructor(pages: number) {
    this.pages = pages;
    this.bytes = new UserBytes(pages);
  }

  /** The frames to give back with the last reference; null for device memory, which is nobody's to free. */
  abstract readonly block: FrameBlock | null;

  /** Frame of page `index` as pagemap would tell, or null while none appeared. */
  abstract frameAt(index: number): Pfn | null;

  /** A store by user space or a copy to it: private frames appear on [start, end). */
  abstract write(start: number, end: number): void;

  /**
   * Faults in page `index` and tells the physically contiguous run of at most `limit` pages that starts there.
   * The caller has checked the rights of the VMA and pins the frames itself if `run.pinned`.
   */
  abstract fault(index: number, limit: number, write: boolean, run: PinnedRun): void;

  /**
   * Pages from `index` on, at most `limit`, that `frameAt` answers in one run: all absent, or contiguous
   * frames.
   */
  abstract runAt(index: number, limit: number): number;

  /** Fills `frames` with frame numbers from page `index` on; 0 = absent. */
  fill(frames: Uint32Array, index: number): void {
    for (let i = 0; i < frames.length; i++) frames[i] = this.frameAt(index + i) ?? 0;
  }
}

/** Frames that exist from the start: populated, huge and shared memory. */
export class PopulatedBacking extends Backing {
  readonly block: FrameBlock;

  constructor(block: FrameBlock) {
    super(block.pages);
    this.block = block;
  }

  frameAt(index: number): Pfn {
    return this.block.frameAt(index);
  }

  write(): void {}

  fault(index: number, limit: number, _write: boolean, run: PinnedRun): void {
    const pages = Math.min(limit, this.block.runAt(index));
    ownedRun(this.block, index, pages, run);
  }

  runAt(index: number, limit: number): number {
    return Math.min(limit, this.block.runAt(index));
  }
}

/**
 * Private anonymous memory: a frame appears when its page is written or pinned. With `readZeroPage` a read
 * pin of an untouched page finds the zero page instead (6.1); a later write then puts a private frame in its
 * place, while pins of the zero page stay what they are.
 */
export class AnonymousBacking extends Backing {
  readonly block: FrameBlock;
  readonly #readZeroPage: boolean;
  readonly #private: PageBitmap;
  #zero: PageBitmap | null = null;

  constructor(block: FrameBlock, readZeroPage: boolean) {
    super(block.pages);
    this.block = block;
    this.#readZeroPage = readZeroPage;
    this.#private = new PageBitmap(block.pages);
  }

  frameAt(index: number): Pfn | null {
    if (this.#private.has(index)) return this.block.frameAt(index);
    return this.#zero?.has(index) ? ZERO_PAGE_PFN : null;
  }

  write(start: number, end: number): void {
    this.#private.addRange(start, end);
  }

  fault(index: number, limit: number, write: boolean, run: PinnedRun): void {
    let pages = Math.min(limit, this.block.runAt(index));
    if (!write && this.#readZeroPage) {
      if (!this.#private.has(index)) {
        this.#zero ??= new PageBitmap(this.pages);
        this.#zero.addRange(index, index + 1);
        run.pfn = ZERO_PAGE_PFN;
        run.pages = 1;
        run.accounted = false;
        run.pinned = false;
        return;
      }
      pages = this.#private.next(index, index + pages, false) - index;
    } else this.#private.addRange(index, index + pages);
    ownedRun(this.block, index, pages, run);
  }

  runAt(index: number, limit: number): number {
    if (this.#private.has(index)) {
      const pages = Math.min(limit, this.block.runAt(index));
      return this.#private.next(index, index + pages, false) - index;
    }
    if (this.#zero?.has(index)) return 1;
    const end = this.#private.next(index, index + limit, true);
    return (this.#zero?.next(index, end, true) ?? end) - index;
  }
}

/** A BAR: device memory without struct page. Neither accounted nor pinned, contiguous by nature. */
export class DeviceBacking extends Backing {
  readonly block = null;
  readonly #first: Pfn;

  constructor(first: Pfn, pages: number) {
    super(pages);
    this.#first = first;
  }

  frameAt(index: number): Pfn {
    return pfn(this.#first + index);
  }

  write(): void {}

  fault(index: number, limit: number, _write: boolean, run: PinnedRun): void {
    run.pfn = pfn(this.#first + index);
    run.pages = Math.min(limit, this.pages - index);
    run.accounted = false;
    run.pinned = false;
  }

  runAt(index: number, limit: number): number {
    return Math.min(limit, this.pages - index);
  }
}

function ownedRun(block: FrameBlock, index: number, pages: number, run: PinnedRun): void {
  run.pfn = block.frameAt(index);
  run.pages = pages;
  run.accounted = true;
  run.pinned = true;
}
