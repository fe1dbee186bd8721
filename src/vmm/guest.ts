import type { FrameLayout, MemoryKind, MmapOptions, Process } from "../kernel/index.ts";
import type { FrameArray, PagemapCursor, PagemapRun } from "../kernel/mm/pagemap.ts";
import {
  bytesToPage,
  hex,
  PAGE_SIZE_BYTES,
  PAGES_PER_1G,
  PAGES_PER_2M,
  pageToBytes,
  type VaddrPfn,
  vaddrPfn,
  WRITE,
} from "../units/index.ts";
import { backingSizes, type MapRegion, type MapSequence } from "./memory-map.ts";
import { VmmError } from "./vmm-error.ts";

/**
 * What guest RAM is made of.
 *
 * `pop`: populated memory on one contiguous run of frames, naturally aligned; `fragmented`: every 4 KiB frame somewhere
 * else; `thp`, `huge2m`: 2 MiB frames, `huge1g`: 1 GiB frames, each somewhere else, so that no leaf can be larger.
 */
export type BackingKind = "pop" | "fragmented" | "thp" | "huge2m" | "huge1g";
export const BACKING_KINDS: readonly BackingKind[] = ["pop", "fragmented", "thp", "huge2m", "huge1g"];

export interface GuestOptions {
  /** Default `pop`. */
  readonly backing?: BackingKind;
  /** Places the frames of scattered kinds; default 1. */
  readonly seed?: number;
}

/** One piece of guest memory: all of a backing that any map of the sequence uses. */
export interface GuestBacking {
  readonly name: string;
  readonly vaddrPfn: VaddrPfn;
  readonly pages: number;
  readonly kind: BackingKind;
}

const HUGE_PAGES: Readonly<Record<BackingKind, number>> = {
  pop: 1,
  fragmented: 1,
  thp: PAGES_PER_2M,
  huge2m: PAGES_PER_2M,
  huge1g: PAGES_PER_1G,
};
const MEMORY_KIND: Readonly<Record<BackingKind, MemoryKind>> = {
  pop: "pop",
  fragmented: "pop",
  thp: "thp",
  huge2m: "huge2m",
  huge1g: "huge1g",
};

/** Backings some map lets a device write: RAM. The others are ROMs, which a VMM keeps in ordinary memory. */
function writableBackings(sequence: MapSequence): Set<string> {
  const names = new Set<string>();
  for (const { map } of sequence.steps)
    for (const r of map.regions) if (r.rights & WRITE) names.add(r.backing);
  return names;
}

/**
 * Guest memory inside a process: one mapping for each backing of a sequence, as large as the sequence uses it.
 *
 * A mapping is aligned to its frames; whether a superpage can translate an IOVA range then follows from the map alone.
 * Huge kinds apply to RAM that fills at least one huge page; ROMs and small memory are ordinary populated memory.
 */
export class GuestMemory {
  readonly #process: Process;
  readonly #backings = new Map<string, GuestBacking>();

  /** Throws VmmError when memory is exhausted. */
  constructor(process: Process, sequence: MapSequence, options: GuestOptions = {}) {
    this.#process = process;
    const wanted = options.backing ?? "pop";
    const seed = options.seed ?? 1;
    const writable = writableBackings(sequence);
    let index = 0;
    for (const [name, pages] of backingSizes(sequence)) {
      const kind = writable.has(name) && pages >= HUGE_PAGES[wanted] ? wanted : "pop";
      const layout: FrameLayout =
        kind === "pop" ? { kind: "contiguous" } : { kind: "fragmented", seed: seed + index++ };
      const options: MmapOptions = { layout };
      const vaddr = process.mmap(pageToBytes(pages), MEMORY_KIND[kind], options);
      if (vaddr < 0n)
        throw new VmmError(
          `the emulated machine has no room for the ${pages * PAGE_SIZE_BYTES} bytes of backing '${name}'`,
          Number(vaddr),
        );
      this.#backings.set(name, { name, vaddrPfn: vaddrPfn(bytesToPage(vaddr)), pages, kind });
    }
  }

  /** All backings, in the order in which the sequence first uses them. */
  get backings(): readonly GuestBacking[] {
    return [...this.#backings.values()];
  }

  /** First virtual page behind a region. Throws RangeError for a region of another sequence. */
  vaddrPfn(region: MapRegion): VaddrPfn {
    const backing = this.#backings.get(region.backing);
    if (backing === undefined || region.offsetPages + region.pages > backing.pages)
      throw new RangeError(
        `GuestMemory.vaddrPfn: no memory for ${region.pages} pages of '${region.backing}' at ${hex(pageToBytes(region.offsetPages))}`,
      );
    return vaddrPfn(backing.vaddrPfn + region.offsetPages);
  }

  /** Byte address behind a region. */
  vaddr(region: MapRegion): bigint {
    return pageToBytes(this.vaddrPfn(region));
  }

  /** Frames behind a region as pagemap tells them, as one number or one array: what a device must reach through it. */
  frames(region: MapRegion): FrameArray {
    return this.#process.mm.frameArray(this.vaddrPfn(region), region.pages);
  }

  /** The same as runs of contiguous frames, ascending. */
  frameRuns(region: MapRegion): Generator<PagemapRun> {
    return this.#process.mm.pagemap(this.vaddrPfn(region), region.pages);
  }

  /** The same run by run, for millions of them. */
  frameCursor(region: MapRegion): PagemapCursor {
    return this.#process.mm.pagemapCursor(this.vaddrPfn(region), region.pages);
  }
}
