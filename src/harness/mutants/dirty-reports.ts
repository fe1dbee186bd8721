import type { Process } from "../../kernel/index.ts";
import {
  encode,
  errnoName,
  VFIO_IOMMU_DIRTY_PAGES,
  VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP,
  VFIO_IOMMU_DIRTY_PAGES_FLAG_START,
  vfio_iommu_type1_dirty_bitmap,
  vfio_iommu_type1_dirty_bitmap_get,
} from "../../uapi/index.ts";
import { pageToBytes } from "../../units/index.ts";
import type { VfioContainer } from "../../vmm/index.ts";
import { UserBuffer } from "../../vmm/user-buffer.ts";
import { StressError } from "../stress/options.ts";

/** User space that has a container's dirty pages reported, as for a migration. */
export class DirtyReports {
  readonly #process: Process;
  readonly #container: VfioContainer;
  readonly #argument: UserBuffer;
  readonly #bitmap: UserBuffer;

  constructor(process: Process, container: VfioContainer) {
    this.#process = process;
    this.#container = container;
    this.#argument = new UserBuffer(process);
    this.#bitmap = new UserBuffer(process);
  }

  /** From now on the kernel keeps track. Throws StressError when it refuses. */
  start(): void {
    this.#call(VFIO_IOMMU_DIRTY_PAGES_FLAG_START, new Uint8Array());
  }

  /** Has the dirty pages of every extent reported, one call each. Throws StressError when the kernel refuses. */
  all(): void {
    for (const { iovaPfn, pages } of this.#container.extents) {
      const size = BigInt(Math.ceil(pages / 64) * 8);
      const data = this.#bitmap.reserve(Number(size));
      const range = encode(vfio_iommu_type1_dirty_bitmap_get, {
        iova: pageToBytes(iovaPfn),
        size: pageToBytes(pages),
        bitmap: { pgsize: 4096n, size, data },
      });
      this.#call(VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP, range);
    }
  }

  #call(flags: number, data: Uint8Array): void {
    const argsz = vfio_iommu_type1_dirty_bitmap.minSizeBytes + data.length;
    const argument = this.#argument.put(encode(vfio_iommu_type1_dirty_bitmap, { argsz, flags, data }));
    const errno = this.#process.ioctl(this.#container.fd, VFIO_IOMMU_DIRTY_PAGES, argument);
    if (errno < 0) throw new StressError(`VFIO_IOMMU_DIRTY_PAGES failed with ${errnoName(errno)}`);
  }
}
