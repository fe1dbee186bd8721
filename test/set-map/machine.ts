import { RAM_BASE_PFN } from "../../src/engine/index.ts";
import { Kernel, type KernelOptions, type Process, type Type1 } from "../../src/kernel/index.ts";
import {
  decode,
  encode,
  VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP,
  VFIO_GROUP_SET_CONTAINER,
  VFIO_IOMMU_MAP_DMA,
  VFIO_IOMMU_SET_MAP,
  VFIO_IOMMU_UNMAP_DMA,
  VFIO_SET_IOMMU,
  VFIO_TYPE1v2_IOMMU,
  vfio_bitmap,
  vfio_iommu_type1_dma_map,
  vfio_iommu_type1_dma_unmap,
  vfio_iommu_type1_map_region,
  vfio_iommu_type1_map_report,
  vfio_iommu_type1_set_map,
} from "../../src/uapi/index.ts";
import { pfn } from "../../src/units/index.ts";

export interface RegionSpec {
  iova: bigint;
  size: bigint;
  vaddr: bigint;
  flags?: number;
  reserved?: number;
}

export interface SetMapOptions {
  flags?: number;
  generation?: bigint;
  argsz?: number;
  reserved?: number;
  regionSize?: number;
  nrRegions?: number;
  regions?: bigint;
  report?: bigint;
  reportSize?: number;
}

export const PAGE = 4096n;
const REPORT_BYTES = vfio_iommu_type1_map_report.sizeBytes;

/** First frame, frames, and how many pins each of them has. */
export type PinRun = readonly [number, number, number];

/** A kernel with one process that has opened a container with every group, as type1 v2. */
export class Machine {
  readonly kernel: Kernel;
  readonly process: Process;
  readonly container: number;
  /** Descriptors of the groups, by index. */
  readonly groupFds: readonly number[];
  readonly #argument: bigint;
  readonly #list: bigint;
  readonly reportAt: bigint;

  constructor(options: KernelOptions = {}, listBytes = 1 << 20) {
    this.kernel = new Kernel({ ramFrames: 2 ** 16, tablePages: 4096, ...options });
    this.process = this.kernel.createProcess();
    this.container = this.process.open("/dev/vfio/vfio");
    this.#argument = this.process.mmap(4096 * 4, "pop");
    this.reportAt = this.#argument + 4096n;
    this.#list = this.process.mmap(listBytes, "pop");
    const fd = new Uint8Array(new Int32Array([this.container]).buffer);
    this.process.write(this.#argument, fd);
    this.groupFds = this.kernel.groups.map((group) => this.process.open(`/dev/vfio/${group.index}`));
    for (const fd of this.groupFds)
      this.#ok("attach", this.process.ioctl(fd, VFIO_GROUP_SET_CONTAINER, this.#argument));
    this.#ok("set iommu", this.process.ioctl(this.container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
  }

  #ok(what: string, result: number): void {
    if (result < 0) throw new Error(`${what}: ${result}`);
  }

  /** The container's IOMMU, for looking at. */
  get type1(): Type1 {
    const ops = this.process.file(this.container)!.ops as unknown as { iommu: Type1 };
    return ops.iommu;
  }

  writeRegions(regions: readonly RegionSpec[], regionSize = 32): bigint {
    const bytes = new Uint8Array(Math.max(1, regions.length * regionSize));
    regions.forEach((region, i) => {
      bytes.set(encode(vfio_iommu_type1_map_region, { flags: 3, reserved: 0, ...region }), i * regionSize);
    });
    this.process.write(this.#list, bytes);
    return this.#list;
  }

  /** Calls SET_MAP with the given list; any field of the argument can be overridden. */
  setMap(regions: readonly RegionSpec[], options: SetMapOptions = {}): number {
    this.writeRegions(
      regions,
      options.regionSize === undefined || options.regionSize < 32 ? 32 : options.regionSize,
    );
    return this.setMapAt(this.#argument, regions.length, options);
  }

  setMapAt(address: bigint, count: number, options: SetMapOptions = {}): number {
    const argument = encode(vfio_iommu_type1_set_map, {
      argsz: options.argsz ?? 48,
      flags: options.flags ?? 0,
      generation: options.generation ?? 0n,
      regions: options.regions ?? this.#list,
      nr_regions: options.nrRegions ?? count,
      region_size: options.regionSize ?? 32,
      report: options.report ?? this.reportAt,
      report_size: options.reportSize ?? REPORT_BYTES,
      reserved: options.reserved ?? 0,
    });
    this.process.write(address, argument);
    return this.process.ioctl(this.container, VFIO_IOMMU_SET_MAP, address);
  }

  /** Repeats the last call without writing its argument again. */
  again(): number {
    return this.process.ioctl(this.container, VFIO_IOMMU_SET_MAP, this.#argument);
  }

  get argumentAt(): bigint {
    return this.#argument;
  }
  get listAt(): bigint {
    return this.#list;
  }
  get argument() {
    return decode(vfio_iommu_type1_set_map, this.process.read(this.#argument, 48));
  }
  get report() {
    return decode(vfio_iommu_type1_map_report, this.process.read(this.reportAt, REPORT_BYTES));
  }

  map(region: RegionSpec): number {
    const { iova, size, vaddr, flags = 3 } = region;
    this.process.write(
      this.#argument + 8192n,
      encode(vfio_iommu_type1_dma_map, { argsz: 32, flags, vaddr, iova, size }),
    );
    return this.process.ioctl(this.container, VFIO_IOMMU_MAP_DMA, this.#argument + 8192n);
  }

  unmap(iova: bigint, size: bigint): number {
    const bytes = encode(vfio_iommu_type1_dma_unmap, {
      argsz: 24,
      flags: 0,
      iova,
      size,
      data: new Uint8Array(0),
    });
    this.process.write(this.#argument + 8192n, bytes);
    return this.process.ioctl(this.container, VFIO_IOMMU_UNMAP_DMA, this.#argument + 8192n);
  }

  /** UNMAP_DMA with a dirty bitmap; returns the result and the pages told as dirty, counted from `iova`. */
  unmapDirty(iova: bigint, size: bigint): { result: number; dirty: number[] } {
    const data = this.#argument + 12288n;
    const bytes = encode(vfio_iommu_type1_dma_unmap, {
      argsz: 48,
      flags: VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP,
      iova,
      size,
      data: encode(vfio_bitmap, { pgsize: PAGE, size: 4096n, data }),
    });
    this.process.write(data, new Uint8Array(4096));
    this.process.write(this.#argument + 8192n, bytes);
    const result = this.process.ioctl(this.container, VFIO_IOMMU_UNMAP_DMA, this.#argument + 8192n);
    const dirty: number[] = [];
    this.process.read(data, 4096).forEach((byte, i) => {
      for (let bit = 0; bit < 8; bit++) if ((byte >> bit) & 1) dirty.push(8 * i + bit);
    });
    return { result, dirty };
  }

  /** Everything a failed call must leave alone, as one comparable value. */
  digest(): unknown {
    const { kernel, type1 } = this;
    const tables = kernel.iommu.pool.tables().map((table) => [table, kernel.tableWords(table).join()]);
    /* Runs of frames with the same number of pins: a list of frames takes longer to compare than a call to make. */
    const pins: PinRun[] = [];
    for (let i = 0; i < kernel.engine.ramFrames; ) {
      const start = i;
      const count = kernel.framePins(pfn(RAM_BASE_PFN + i));
      while (++i < kernel.engine.ramFrames && kernel.framePins(pfn(RAM_BASE_PFN + i)) === count);
      if (count > 0) pins.push([start, i - start, count]);
    }
    return {
      mappings: type1.mappings.map((m) => ({
        ...m,
        mm: this.process.mm === m.mm,
        dirty: m.dirty?.join() ?? null,
      })),
      dmaAvail: type1.dmaAvail,
      generation: type1.generation,
      lockedVm: this.process.mm.lockedVm,
      roots: kernel.domains().map((d) => [d.id, d.root, d.tag]),
      tables,
      pins,
    };
  }
}
