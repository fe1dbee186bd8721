import { Kernel, type KernelOptions, type MmapOptions, type Process } from "../src/kernel/index.ts";
import {
  decode,
  encode,
  errnoName,
  type ValueOf,
  VFIO_GROUP_SET_CONTAINER,
  VFIO_IOMMU_SET_MAP,
  VFIO_SET_IOMMU,
  VFIO_TYPE1v2_IOMMU,
  vfio_iommu_type1_map_region,
  vfio_iommu_type1_map_report,
  vfio_iommu_type1_set_map,
  zeroed,
} from "../src/uapi/index.ts";
import { READ, type Rights, WRITE } from "../src/units/index.ts";
import { WrongOutcome } from "./row.ts";

/** Regions by their number, in bytes; safe integers, so that a million of them need no BigInt. Both rights unless told. */
export type RegionAt = (index: number) => { iova: number; size: number; vaddr: number; rights?: Rights };

/** A prepared SET_MAP argument in user memory, to be issued as often as a row likes. */
export interface PreparedMap {
  /** Argument that asks for no report. */
  readonly plain: bigint;
  /** The same with a report, and where that goes. */
  readonly reporting: bigint;
  readonly report: bigint;
}

/** A process with one device behind a type1 v2 container, as a virtual machine monitor would set it up. */
export class BenchVmm {
  readonly kernel: Kernel;
  readonly process: Process;
  readonly container: number;

  constructor(options: KernelOptions) {
    this.kernel = new Kernel(options);
    this.process = this.kernel.createProcess();
    this.container = this.process.open("/dev/vfio/vfio");
    const group = this.process.open("/dev/vfio/0");
    const scratch = this.allocate(4096);
    this.process.write(scratch, new Uint8Array(Int32Array.of(this.container).buffer));
    this.#must("SET_CONTAINER", this.process.ioctl(group, VFIO_GROUP_SET_CONTAINER, scratch));
    this.#must("SET_IOMMU", this.process.ioctl(this.container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
  }

  /** Populated memory of the process; `options` for its frames. */
  allocate(bytes: number, kind: "pop" | "huge2m" | "huge1g" = "pop", options: MmapOptions = {}): bigint {
    const at = this.process.mmap(bytes, kind, options);
    if (at < 0n) throw new WrongOutcome(`mmap of ${bytes} bytes: ${errnoName(Number(at))}`);
    return at;
  }

  /** Writes a whole list of regions and the ioctl's arguments, with room for a report, into the process's memory. `flags` as of SET_MAP. */
  prepare(count: number, regionAt: RegionAt, flags = 0): PreparedMap {
    const bytes = vfio_iommu_type1_map_region.sizeBytes;
    const words = new Uint32Array((count * bytes) / 4);
    for (let i = 0; i < count; i++) {
      const { iova, size, vaddr, rights = READ | WRITE } = regionAt(i);
      for (const [k, value] of [iova, size, vaddr].entries()) {
        words[8 * i + 2 * k] = value % 2 ** 32;
        words[8 * i + 2 * k + 1] = Math.floor(value / 2 ** 32);
      }
      words[8 * i + 6] = rights;
    }
    const regions = this.allocate(Math.max(4096, words.byteLength));
    this.process.write(regions, new Uint8Array(words.buffer));
    const plain = this.allocate(4096);
    const reporting = plain + 1024n;
    const report = plain + 2048n;
    const argument = {
      ...zeroed(vfio_iommu_type1_set_map),
      argsz: vfio_iommu_type1_set_map.sizeBytes,
      flags,
      regions,
      nr_regions: count,
      region_size: bytes,
    };
    const report_size = vfio_iommu_type1_map_report.sizeBytes;
    this.process.write(plain, encode(vfio_iommu_type1_set_map, argument));
    this.process.write(reporting, encode(vfio_iommu_type1_set_map, { ...argument, report, report_size }));
    return { plain, reporting, report };
  }

  setMap(map: PreparedMap): void {
    this.#must("SET_MAP", this.process.ioctl(this.container, VFIO_IOMMU_SET_MAP, map.plain));
  }

  setMapWithReport(map: PreparedMap): ValueOf<typeof vfio_iommu_type1_map_report> {
    this.#must("SET_MAP", this.process.ioctl(this.container, VFIO_IOMMU_SET_MAP, map.reporting));
    return decode(
      vfio_iommu_type1_map_report,
      this.process.read(map.report, vfio_iommu_type1_map_report.sizeBytes),
    );
  }

  #must(what: string, result: number): void {
    if (result < 0) throw new WrongOutcome(`${what}: ${errnoName(result)}`);
  }
}
