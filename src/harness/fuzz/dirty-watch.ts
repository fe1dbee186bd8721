import { BARE_DEVICE, configureDevice, publishPattern, runAlone } from "../../device/index.ts";
import type { Kernel, Process } from "../../kernel/index.ts";
import {
  encode,
  VFIO_IOMMU_DIRTY_PAGES,
  VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP,
  VFIO_IOMMU_DIRTY_PAGES_FLAG_START,
  VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP,
  vfio_iommu_type1_dirty_bitmap,
  vfio_iommu_type1_dirty_bitmap_get,
} from "../../uapi/index.ts";
import { hexPage, iovaPfn, PAGE_SIZE_BYTES, pageToBytes, WRITE } from "../../units/index.ts";
import type { MapRegion, MemoryMap, PageRange } from "../../vmm/index.ts";

/** Regions of a map that devices write to at a time. */
const WRITTEN_REGIONS = 8;
/** Where nothing is mapped in the process. */
const NOWHERE = 8n;

/**
 * Lets devices write and asks for dirty pages, and knows which have to be told: those written since they were told last
 * and mapped to the same memory ever since. More may be told.
 */
export class DirtyWatch {
  readonly #kernel: Kernel;
  readonly #process: Process;
  readonly #container: number;
  readonly #argument: bigint;
  readonly #bitmap: bigint;
  readonly #bitmapPages: number;
  /** What is behind each page that was written. */
  readonly #written = new Map<number, string>();
  #isOn = false;

  /** Ranges that are asked for end at `endPfn` at the latest. */
  constructor(kernel: Kernel, process: Process, container: number, endPfn: number) {
    this.#kernel = kernel;
    this.#process = process;
    this.#container = container;
    this.#argument = process.mmap(PAGE_SIZE_BYTES, "pop");
    this.#bitmapPages = endPfn;
    this.#bitmap = process.mmap(Math.ceil(endPfn / 8 / PAGE_SIZE_BYTES) * PAGE_SIZE_BYTES, "pop");
  }

  get isOn(): boolean {
    return this.#isOn;
  }

  #call(flags: number, tail: Uint8Array = new Uint8Array()): number {
    const argsz = vfio_iommu_type1_dirty_bitmap.minSizeBytes + tail.length;
    const bytes = encode(vfio_iommu_type1_dirty_bitmap, { argsz, flags, data: tail });
    this.#process.write(this.#argument, bytes);
    return this.#process.ioctl(this.#container, VFIO_IOMMU_DIRTY_PAGES, this.#argument);
  }

  /** Returns 0 or -errno. */
  start(): number {
    const error = this.#call(VFIO_IOMMU_DIRTY_PAGES_FLAG_START);
    if (error === 0 && !this.#isOn) this.#written.clear();
    if (error === 0) this.#isOn = true;
    return error;
  }

  stop(): number {
    this.#isOn = false;
    return this.#call(VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP);
  }

  /** Every device writes the first, a middle and the last page of some regions that it may write. */
  write({ regions }: MemoryMap): void {
    const { engine, groups } = this.#kernel;
    const writable = regions.filter(({ rights }) => (rights & WRITE) !== 0).slice(0, WRITTEN_REGIONS);
    for (const region of writable)
      for (const offset of [0, region.pages >> 1, region.pages - 1]) {
        const page = iovaPfn(region.iovaPfn + offset);
        publishPattern(engine, [{ iovaPfn: page, pages: 1, weight: 1 }]);
        const { slot } = groups[offset % groups.length]!.device;
        configureDevice(engine, slot, { ...BARE_DEVICE, setsDirty: true, writes: 1 });
        runAlone(engine, slot, 1);
        this.#written.set(page, behind(region));
      }
  }

  /** The map is another one: what is behind other memory now need not be told. */
  follow({ regions }: MemoryMap): void {
    let i = 0;
    for (const page of [...this.#written.keys()].sort((a, b) => a - b)) {
      while (i < regions.length && regions[i]!.iovaPfn + regions[i]!.pages <= page) i++;
      const region = regions[i];
      const isThere = region !== undefined && region.iovaPfn <= page;
      if (!isThere || behind(region) !== this.#written.get(page)) this.#written.delete(page);
    }
  }

  /** GET_BITMAP into memory that is not there. Returns 0 or -errno. */
  readNowhere(range: PageRange): number {
    return this.#read(range, NOWHERE);
  }

  /** GET_BITMAP of a range. Returns -errno, or a sentence for the first page that was not told, or null. */
  read(range: PageRange): number | string | null {
    const { iovaPfn: start, pages } = range;
    const bytes = Math.ceil(pages / 64) * 8;
    this.#process.write(this.#bitmap, new Uint8Array(bytes));
    const error = this.#read(range, this.#bitmap);
    if (error < 0) return error;
    const told = this.#process.read(this.#bitmap, bytes);
    for (const page of this.#written.keys()) {
      const bit = page - start;
      if (bit < 0 || bit >= pages) continue;
      if (((told[bit >> 3]! >> (bit & 7)) & 1) === 0) return `page ${hexPage(page)} was written and not told`;
      this.#written.delete(page);
    }
    return null;
  }

  /** All that can be asked for. */
  get everything(): PageRange {
    return { iovaPfn: iovaPfn(0), pages: this.#bitmapPages };
  }

  #read({ iovaPfn: start, pages }: PageRange, data: bigint): number {
    const pgsize = BigInt(PAGE_SIZE_BYTES);
    const bitmap = { pgsize, size: BigInt(Math.ceil(pages / 64) * 8), data };
    const range = { iova: pageToBytes(start), size: pageToBytes(pages), bitmap };
    return this.#call(
      VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP,
      encode(vfio_iommu_type1_dirty_bitmap_get, range),
    );
  }
}

/** Names the memory behind a region's pages, each at its distance. */
const behind = ({ backing, offsetPages, iovaPfn: start }: MapRegion): string =>
  `${backing} ${offsetPages - start}`;
