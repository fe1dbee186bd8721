import { RAM_BASE_PFN } from "../../engine/types.ts";
import { PAGES_PER_1G, PAGES_PER_2M, type Pfn, pfn } from "../../units/index.ts";
import { KernelBug } from "../fault-injection.ts";
import { FrameBlock, reservedFrames, type UnitPages } from "./frame-block.ts";
import { FreeRanges } from "./free-ranges.ts";
import type { FrameLayout } from "./types.ts";

/** The zero page: a dedicated frame below all RAM, without a pin count. */
export const ZERO_PAGE_PFN = pfn(0x1000);
/** Device MMIO: 32 GiB to 64 GiB, below all RAM; PFNs without struct page. */
export const MMIO_BASE_PFN = pfn(0x80_0000);

const FOUR_GIB_PAGES = 4 * PAGES_PER_1G;
/** Fully unmapped blocks that wait for their last unpin are looked at again when they are this many. */
const ORPHANS_TOLERATED = 64;

/** Frames looked at in passing before an allocation; one that would fail otherwise looks at all. */
const SCAN_IN_PASSING = 1 << 18;

/** What the allocator asks of the machine: how much RAM there is and who still pins a frame. */
export interface FrameHost {
  readonly ramFrames: number;
  framePins(frame: Pfn): number;
}

/**
 * Allocator of physical memory for all processes of one machine.
 *
 * Memory is handed out in blocks, one per mapping, at the cost of a few numbers each. A block is reused as a
 * whole, when nothing maps it and nothing pins any of its frames. Small blocks are spread over the first
 * fifth of RAM in steps of 4 GiB, so that addresses differ in their high halves; the largest come from the
 * top, so that the others do not split their room.
 */
export class FrameAllocator {
  readonly #host: FrameHost;
  readonly #free: FreeRanges;
  readonly #orphans: Orphan[] = [];
  readonly #zones: number;
  readonly #zoneStep: number;
  #orphanLimit = ORPHANS_TOLERATED;
  #allocations = 0;
  #nextMmio: number = MMIO_BASE_PFN;

  constructor(host: FrameHost) {
    this.#host = host;
    this.#free = new FreeRanges(RAM_BASE_PFN, RAM_BASE_PFN + host.ramFrames);
    this.#zones = Math.max(1, Math.floor(host.ramFrames / 5 / FOUR_GIB_PAGES));
    this.#zoneStep = coprimeStep(this.#zones);
  }

  /** Frames that no block holds. Blocks that wait for an unpin count as held. */
  get freeFrames(): number {
    return this.#free.frames;
  }

  /** Reserves frames for `pages` pages; null when RAM is exhausted. Pre: pages ≥ 1. */
  allocate(pages: number, unitPages: UnitPages, layout: FrameLayout): FrameBlock | null {
    if (this.#orphans.length > this.#orphanLimit) this.reclaim(SCAN_IN_PASSING);
    const span = reservedFrames(pages, unitPages, layout);
    const align = unitPages > 1 ? unitPages : layout.kind === "contiguous" ? naturalAlignment(pages) : 1;
    const place = this.#placeFor(span);
    let first = this.#take(span, align, place);
    if (first < 0 && this.#orphans.length > 0) {
      this.reclaim();
      first = this.#take(span, align, place);
    }
    if (first < 0 && align > unitPages) first = this.#take(span, unitPages, place);
    return first < 0 ? null : new FrameBlock(pfn(first), pages, unitPages, layout);
  }

  /** Nothing maps the block any more: its frames become free now, or when the last pin is gone. */
  release(block: FrameBlock): void {
    if (block.pinnedHigh === 0) this.#free.give(block.first, block.first + block.span);
    else this.#orphans.push({ block, cursor: block.pinnedLow });
  }

  /**
   * Frees the unmapped blocks whose pins are gone meanwhile, looking at `budget` frames at most. Returns the
   * number of blocks kept.
   */
  reclaim(budget = Number.POSITIVE_INFINITY): number {
    let kept = 0;
    let left = budget;
    for (const orphan of this.#orphans) {
      const from = orphan.cursor;
      const keep = this.#stillPinned(orphan, left);
      left -= orphan.cursor - from;
      if (keep) this.#orphans[kept++] = orphan;
      else this.#free.give(orphan.block.first, orphan.block.first + orphan.block.span);
    }
    this.#orphans.length = kept;
    this.#orphanLimit = Math.max(ORPHANS_TOLERATED, 2 * kept);
    return kept;
  }

  /** Is there room for one more device window of that size? */
  hasMmio(pages: number): boolean {
    return this.#mmioPlace(pages) + pages <= RAM_BASE_PFN;
  }

  /** A fresh window of device memory, aligned like a BAR of that size. Pre: `hasMmio`. */
  allocateMmio(pages: number): Pfn {
    if (!this.hasMmio(pages)) throw new KernelBug(`FrameAllocator.allocateMmio: no room for ${pages} pages`);
    const first = this.#mmioPlace(pages);
    this.#nextMmio = first + pages;
    return pfn(first);
  }

  #mmioPlace(pages: number): number {
    const align = 2 ** Math.ceil(Math.log2(pages));
    return Math.ceil(this.#nextMmio / align) * align;
  }

  /* Pins of an unmapped block only ever go away, so the scan resumes where the last one met a pinned frame. */
  #stillPinned(orphan: Orphan, budget: number): boolean {
    const last = orphan.cursor + budget;
    while (orphan.cursor < orphan.block.pinnedHigh) {
      if (orphan.cursor >= last || this.#host.framePins(pfn(orphan.cursor)) > 0) return true;
      orphan.cursor++;
    }
    return false;
  }

  /* The zone a block starts in, as frames from the start of RAM, or -1: at the top. */
  #placeFor(span: number): number {
    if (span > this.#host.ramFrames / 10) return -1;
    if (span >= FOUR_GIB_PAGES) return 0;
    return ((this.#allocations++ * this.#zoneStep) % this.#zones) * FOUR_GIB_PAGES;
  }

  #take(span: number, align: number, place: number): number {
    return place < 0
      ? this.#free.takeHighest(span, align)
      : this.#free.take(span, align, RAM_BASE_PFN + place);
  }
}

interface Orphan {
  readonly block: FrameBlock;
  cursor: number;
}

/**
 * Largest leaf size that fits into `pages`: contiguous memory starts at a multiple of it, so that superpages
 * can serve it.
 */
export function naturalAlignment(pages: number): UnitPages {
  return pages >= PAGES_PER_1G ? PAGES_PER_1G : pages >= PAGES_PER_2M ? PAGES_PER_2M : 1;
}

/** A step near the golden section of `n` that visits every residue. */
function coprimeStep(n: number): number {
  const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));
  let step = Math.max(1, Math.round(n * 0.618));
  while (divisor(n, step) !== 1) step++;
  return step;
}
