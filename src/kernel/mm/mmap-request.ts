import { Errno } from "../../uapi/errno.ts";
import {
  PAGES_PER_1G,
  PAGES_PER_2M,
  type Pfn,
  READ,
  type Rights,
  type VaddrPfn,
  WRITE,
} from "../../units/index.ts";
import type { Personality } from "../personality.ts";
import { AnonymousBacking, type Backing, DeviceBacking, PopulatedBacking } from "./backing.ts";
import type { UnitPages } from "./frame-block.ts";
import type { FrameAllocator } from "./frames.ts";
import type { FrameLayout, MemoryKind } from "./types.ts";

/** Arguments of `ProcessMemory.mmap`. */
export interface MmapRequest {
  readonly kind: MemoryKind;
  readonly pages: number;
  /** Default contiguous. For thp, huge2m and huge1g it is the huge frames that are contiguous or scattered. */
  readonly layout?: FrameLayout;
  /** Exactly here, over whatever is mapped (MAP_FIXED). */
  readonly at?: VaddrPfn;
  /** memfd, memfdro: the file to map from its first page; without it a new one is made. */
  readonly memfd?: SharedMemory;
  /** bar: first frame of the device's window; without it a fresh window is taken. */
  readonly barPfn?: Pfn;
}

/** A memfd that several mappings, also of different processes, can show. */
export class SharedMemory {
  readonly backing: Backing;
  readonly #frames: FrameAllocator;

  private constructor(backing: Backing, frames: FrameAllocator) {
    this.backing = backing;
    this.#frames = frames;
    backing.references = 1;
  }

  /** A file of `pages` pages, or null when RAM is exhausted. */
  static create(
    frames: FrameAllocator,
    pages: number,
    layout: FrameLayout = CONTIGUOUS,
  ): SharedMemory | null {
    const block = frames.allocate(pages, 1, layout);
    return block === null ? null : new SharedMemory(new PopulatedBacking(block), frames);
  }

  /** Closes the handle; the frames live on while a mapping shows them. */
  close(): void {
    if (--this.backing.references === 0) this.#frames.release(this.backing.block!);
  }
}

const CONTIGUOUS: FrameLayout = { kind: "contiguous" };

/** Pages of the huge page that a kind is made of: its lengths, places and cuts are multiples of it. */
export function mappingUnit(kind: MemoryKind): UnitPages {
  return kind === "huge2m" ? PAGES_PER_2M : kind === "huge1g" ? PAGES_PER_1G : 1;
}

/** Initial protection of a kind. */
export function protectionOf(kind: MemoryKind): Rights {
  if (kind === "none" || kind === "unmapped") return 0;
  return kind === "ro" || kind === "memfdro" ? READ : READ | WRITE;
}

/** The backing of a new mapping of `pages` pages, or -ENOMEM / -EINVAL. */
export function makeBacking(
  request: MmapRequest,
  pages: number,
  frames: FrameAllocator,
  personality: Personality,
): Backing | number {
  if (request.kind === "bar") {
    if (request.barPfn === undefined && !frames.hasMmio(pages)) return -Errno.ENOMEM;
    return new DeviceBacking(request.barPfn ?? frames.allocateMmio(pages), pages);
  }
  if (request.memfd !== undefined) {
    if (request.kind !== "memfd" && request.kind !== "memfdro") return -Errno.EINVAL;
    return pages <= request.memfd.backing.pages ? request.memfd.backing : -Errno.EINVAL;
  }
  const unit = request.kind === "thp" ? PAGES_PER_2M : mappingUnit(request.kind);
  const block = frames.allocate(pages, unit, request.layout ?? CONTIGUOUS);
  if (block === null) return -Errno.ENOMEM;
  const lazy = request.kind === "anon" || request.kind === "ro" || request.kind === "none";
  return lazy ? new AnonymousBacking(block, personality === "6.1") : new PopulatedBacking(block);
}
