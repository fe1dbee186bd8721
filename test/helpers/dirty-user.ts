import { BARE_DEVICE, configureDevice, publishPattern, runAlone } from "../../src/device/index.ts";
import type { Kernel, Process } from "../../src/kernel/index.ts";
import {
  encode,
  VFIO_IOMMU_DIRTY_PAGES,
  VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP,
  VFIO_IOMMU_DIRTY_PAGES_FLAG_START,
  VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP,
  vfio_iommu_type1_dirty_bitmap,
  vfio_iommu_type1_dirty_bitmap_get,
} from "../../src/uapi/index.ts";
import { iovaPfn } from "../../src/units/index.ts";

const PAGE = 4096n;
const WORD_PAGES = 64n;

/** A device writes pages once each, one after the other, on this thread. Its walker sets A and D. */
export function dmaWrite(kernel: Kernel, device: number, ...pages: number[]): void {
  const { engine } = kernel;
  for (const page of pages) {
    publishPattern(engine, [{ iovaPfn: iovaPfn(page), pages: 1, weight: 1 }]);
    configureDevice(engine, device, { ...BARE_DEVICE, setsDirty: true, writes: 1 });
    runAlone(engine, device, 1);
  }
}

/** A process that asks a container of its own for dirty pages. */
export class DirtyUser {
  readonly #process: Process;
  readonly #container: number;
  readonly #argument: bigint;
  readonly #bitmap: bigint;

  constructor(process: Process, container: number, mostPages = 1 << 20) {
    this.#process = process;
    this.#container = container;
    this.#argument = process.mmap(4096, "pop");
    this.#bitmap = process.mmap(Math.ceil(mostPages / 32768) * 4096 + 4096, "pop");
  }

  #call(flags: number, tail: Uint8Array = new Uint8Array()): number {
    const argsz = 8 + tail.length;
    const bytes = encode(vfio_iommu_type1_dirty_bitmap, { argsz, flags, data: tail });
    this.#process.write(this.#argument, bytes);
    return this.#process.ioctl(this.#container, VFIO_IOMMU_DIRTY_PAGES, this.#argument);
  }

  start(): number {
    return this.#call(VFIO_IOMMU_DIRTY_PAGES_FLAG_START);
  }

  stop(): number {
    return this.#call(VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP);
  }

  /** GET_BITMAP of a range in pages, into a bitmap at `data`. Returns 0 or -errno. */
  read(start: number, pages: number, data = this.#bitmap): number {
    const words = (BigInt(pages) + WORD_PAGES - 1n) / WORD_PAGES;
    const range = encode(vfio_iommu_type1_dirty_bitmap_get, {
      iova: BigInt(start) * PAGE,
      size: BigInt(pages) * PAGE,
      bitmap: { pgsize: PAGE, size: words * 8n, data },
    });
    return this.#call(VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP, range);
  }

  /** The dirty pages of a range. Throws when the kernel refuses to tell. */
  pages(start: number, pages: number): number[] {
    const words = Math.ceil(pages / 64);
    this.#process.write(this.#bitmap, new Uint8Array(words * 8));
    const error = this.read(start, pages);
    if (error < 0) throw new Error(`GET_BITMAP: ${error}`);
    const dirty: number[] = [];
    this.#process.read(this.#bitmap, words * 8).forEach((byte, i) => {
      for (let bit = 0; byte !== 0 && bit < 8; bit++) if ((byte >> bit) & 1) dirty.push(start + 8 * i + bit);
    });
    return dirty;
  }
}
