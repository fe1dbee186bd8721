import { Kernel, type KernelOptions, type Process } from "hitless/kernel";
import {
  decode,
  encode,
  VFIO_GROUP_GET_DEVICE_FD,
  VFIO_GROUP_SET_CONTAINER,
  VFIO_IOMMU_MAP_DMA,
  VFIO_IOMMU_SET_MAP,
  VFIO_IOMMU_UNMAP_DMA,
  VFIO_SET_IOMMU,
  VFIO_TYPE1v2_IOMMU,
  vfio_iommu_type1_dma_map,
  vfio_iommu_type1_dma_unmap,
  vfio_iommu_type1_map_region,
  vfio_iommu_type1_map_report,
  vfio_iommu_type1_set_map,
} from "hitless/uapi";

/** One region as user space thinks of it, in bytes; rights default to read and write. */
export interface Region {
  iova: bigint;
  size: bigint;
  vaddr: bigint;
  flags?: number;
}

/** What the examples share: a process with an open container, a device in it, and its ioctls on memory of the process. */
export class ExampleContainer {
  readonly kernel: Kernel;
  readonly process: Process;
  readonly fd: number;
  readonly #argument: bigint;
  readonly #regions: bigint;

  constructor(options: KernelOptions = {}) {
    this.kernel = new Kernel({ ramFrames: 2 ** 18, tablePages: 1024, ...options });
    this.process = this.kernel.createProcess();
    this.#argument = this.process.mmap(4096, "anon");
    this.#regions = this.process.mmap(65536, "anon");
    this.fd = this.process.open("/dev/vfio/vfio");
    const group = this.process.open("/dev/vfio/0");
    this.process.write(this.#argument, new Uint8Array(Int32Array.of(this.fd).buffer));
    this.process.ioctl(group, VFIO_GROUP_SET_CONTAINER, this.#argument);
    this.process.ioctl(this.fd, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU);
    this.process.write(this.#argument, new TextEncoder().encode("0000:00:04.0\0"));
    this.process.ioctl(group, VFIO_GROUP_GET_DEVICE_FD, this.#argument);
  }

  /** VFIO_IOMMU_SET_MAP with a report behind the argument. Returns 0 or -errno. */
  setMap(regions: readonly Region[], flags = 0): number {
    regions.forEach((region, i) => {
      const bytes = encode(vfio_iommu_type1_map_region, { flags: 3, reserved: 0, ...region });
      this.process.write(this.#regions + BigInt(32 * i), bytes);
    });
    const argument = encode(vfio_iommu_type1_set_map, {
      argsz: vfio_iommu_type1_set_map.sizeBytes,
      flags,
      generation: 0n,
      regions: this.#regions,
      nr_regions: regions.length,
      region_size: vfio_iommu_type1_map_region.sizeBytes,
      report: this.#argument + 1024n,
      report_size: vfio_iommu_type1_map_report.sizeBytes,
      reserved: 0,
    });
    this.process.write(this.#argument, argument);
    return this.process.ioctl(this.fd, VFIO_IOMMU_SET_MAP, this.#argument);
  }

  get report() {
    const bytes = this.process.read(this.#argument + 1024n, vfio_iommu_type1_map_report.sizeBytes);
    return decode(vfio_iommu_type1_map_report, bytes);
  }

  mapDma({ iova, size, vaddr, flags = 3 }: Region): number {
    this.process.write(
      this.#argument,
      encode(vfio_iommu_type1_dma_map, { argsz: 32, flags, vaddr, iova, size }),
    );
    return this.process.ioctl(this.fd, VFIO_IOMMU_MAP_DMA, this.#argument);
  }

  unmapDma(iova: bigint, size: bigint): number {
    const bytes = encode(vfio_iommu_type1_dma_unmap, {
      argsz: 24,
      flags: 0,
      iova,
      size,
      data: new Uint8Array(0),
    });
    this.process.write(this.#argument, bytes);
    return this.process.ioctl(this.fd, VFIO_IOMMU_UNMAP_DMA, this.#argument);
  }

  /** What a device finds at an IOVA: walks the raw table words of the container's domain, as VT-d does. */
  walk(iova: bigint): { level: number; entries: bigint[]; address: bigint } | null {
    const domain = this.kernel.domains()[0]!;
    const entries: bigint[] = [];
    let table: number = domain.root;
    for (let level = domain.levels - 1; level >= 0; level--) {
      const index = Number((iova >> BigInt(12 + 9 * level)) & 511n);
      const entry = this.kernel.tableWords(table as typeof domain.root)[index]!;
      entries.push(entry);
      if ((entry & 3n) === 0n) return null;
      const base = entry & 0x000f_ffff_ffff_f000n;
      if (level === 0 || (entry & 0x80n) !== 0n) {
        const inside = iova & ((1n << BigInt(12 + 9 * level)) - 1n);
        return { level, entries, address: base + inside };
      }
      table = Number(base >> 12n);
    }
    return null;
  }
}
