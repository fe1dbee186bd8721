import type { Process } from "../kernel/index.ts";
import {
  decode,
  Errno,
  encode,
  type ValueOf,
  VFIO_API_VERSION,
  VFIO_CHECK_EXTENSION,
  VFIO_GET_API_VERSION,
  VFIO_GROUP_FLAGS_VIABLE,
  VFIO_GROUP_GET_DEVICE_FD,
  VFIO_GROUP_GET_STATUS,
  VFIO_GROUP_SET_CONTAINER,
  VFIO_IOMMU_GET_INFO,
  VFIO_IOMMU_MAP_DMA,
  VFIO_IOMMU_SET_MAP,
  VFIO_IOMMU_SET_MAP_FLAG_DRY_RUN,
  VFIO_IOMMU_UNMAP_DMA,
  VFIO_SET_IOMMU,
  VFIO_TYPE1v2_IOMMU,
  vfio_group_status,
  vfio_iommu_type1_dma_map,
  vfio_iommu_type1_dma_unmap,
  vfio_iommu_type1_info,
  vfio_iommu_type1_map_region,
  vfio_iommu_type1_map_report,
  vfio_iommu_type1_set_map,
} from "../uapi/index.ts";
import { hexPage, pageToBytes, type VaddrPfn } from "../units/index.ts";
import type { PageRange } from "./map-delta.ts";
import { firstEndingBehind, type MapRegion, type MemoryMap } from "./memory-map.ts";
import { encodeRegions } from "./region-array.ts";
import { UserBuffer } from "./user-buffer.ts";
import { VmmError } from "./vmm-error.ts";

/** An IOMMU group to assign, and the device in it. */
export interface GroupRef {
  readonly index: number;
  /** PCI name of the device. */
  readonly deviceName: string;
}

/** What VFIO_IOMMU_SET_MAP reports. */
export type MapReport = ValueOf<typeof vfio_iommu_type1_map_report>;

const INT_BYTES = 4;

/** Result of a system call, or VmmError when it failed. */
const expectSuccess = (what: string, result: number): number => {
  if (result < 0) throw new VmmError(what, result);
  return result;
};

/** Sizes as the u64 of an ioctl argument: the whole address space becomes 0, which the kernel refuses. */
const sizeBytes = (pages: number): bigint => BigInt.asUintN(64, pageToBytes(pages));

const rangeText = ({ iovaPfn, pages }: PageRange): string =>
  `iova=${hexPage(iovaPfn)} size=${hexPage(pages)}`;

/**
 * A VFIO container as a VMM holds it: everything goes through ioctls on memory of the process.
 *
 * `extents` is what this container was told and still has, extent by extent; type1 can take back only whole ones.
 */
export class VfioContainer {
  readonly fd: number;
  readonly groupFds: readonly number[];
  readonly deviceFds: readonly number[];
  readonly #process: Process;
  readonly #argument: UserBuffer;
  readonly #regions: UserBuffer;
  readonly #report: UserBuffer;
  readonly #openFds: number[] = [];
  #extents: MapRegion[] = [];
  /** Told of each call that changes the map, in words, before it is made. */
  observer: ((call: string) => void) | null = null;

  /**
   * Opens a container, attaches the groups and chooses type1 v2, in QEMU's order of calls. The first group makes the
   * container usable; further ones join it. Throws VmmError when a call fails; nothing stays open then.
   */
  constructor(process: Process, groups: readonly GroupRef[]) {
    this.#process = process;
    this.#argument = new UserBuffer(process);
    this.#regions = new UserBuffer(process);
    this.#report = new UserBuffer(process);
    try {
      this.fd = this.#opened("open of /dev/vfio/vfio", process.open("/dev/vfio/vfio"));
      const version = process.ioctl(this.fd, VFIO_GET_API_VERSION);
      if (version !== VFIO_API_VERSION)
        throw new VmmError(`VFIO_GET_API_VERSION answers ${version}, not ${VFIO_API_VERSION}`, -Errno.EINVAL);
      this.groupFds = groups.map((group, i) => this.#attach(group, i === 0));
      this.deviceFds = groups.map((group, i) => this.#openDevice(group, this.groupFds[i]!));
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #opened(what: string, fd: number): number {
    this.#openFds.push(expectSuccess(what, fd));
    return fd;
  }

  #attach({ index }: GroupRef, first: boolean): number {
    const path = `/dev/vfio/${index}`;
    const process = this.#process;
    const fd = this.#opened(`open of ${path}`, process.open(path));
    const status = this.#argument.put(
      encode(vfio_group_status, { argsz: vfio_group_status.sizeBytes, flags: 0 }),
    );
    expectSuccess("VFIO_GROUP_GET_STATUS", process.ioctl(fd, VFIO_GROUP_GET_STATUS, status));
    const { flags } = decode(vfio_group_status, this.#argument.get(vfio_group_status.sizeBytes));
    if ((flags & VFIO_GROUP_FLAGS_VIABLE) === 0)
      throw new VmmError(`group ${index} is not viable`, -Errno.EPERM);
    const containerFd = new Uint8Array(INT_BYTES);
    new DataView(containerFd.buffer).setInt32(0, this.fd, true);
    const argument = this.#argument.put(containerFd);
    expectSuccess("VFIO_GROUP_SET_CONTAINER", process.ioctl(fd, VFIO_GROUP_SET_CONTAINER, argument));
    if (first) this.#setIommu();
    return fd;
  }

  #setIommu(): void {
    const process = this.#process;
    if (process.ioctl(this.fd, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU) !== 1)
      throw new VmmError("VFIO_CHECK_EXTENSION: no VFIO_TYPE1v2_IOMMU", -Errno.ENODEV);
    expectSuccess("VFIO_SET_IOMMU", process.ioctl(this.fd, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
    this.info();
  }

  #openDevice({ deviceName }: GroupRef, groupFd: number): number {
    const name = this.#argument.put(new TextEncoder().encode(`${deviceName}\0`));
    const result = this.#process.ioctl(groupFd, VFIO_GROUP_GET_DEVICE_FD, name);
    return this.#opened(`VFIO_GROUP_GET_DEVICE_FD of ${deviceName}`, result);
  }

  /** VFIO_IOMMU_GET_INFO with all capabilities, as bytes: asks again with the size the kernel wants. Throws VmmError. */
  info(): Uint8Array {
    const struct = vfio_iommu_type1_info;
    for (let argsz = struct.sizeBytes; ; ) {
      const bytes = new Uint8Array(argsz);
      encode(struct, { argsz, flags: 0, iova_pgsizes: 0n, cap_offset: 0, pad: 0 }, bytes);
      const argument = this.#argument.put(bytes);
      expectSuccess("VFIO_IOMMU_GET_INFO", this.#process.ioctl(this.fd, VFIO_IOMMU_GET_INFO, argument));
      const answer = this.#argument.get(argsz);
      const wanted = decode(struct, answer).argsz;
      if (wanted <= argsz) return answer;
      argsz = wanted;
    }
  }

  /** What the container was told and still has, ascending. */
  get extents(): readonly MapRegion[] {
    return this.#extents;
  }

  /** VFIO_IOMMU_MAP_DMA of a region at a virtual address. Returns 0 or -errno. */
  mapDma(region: MapRegion, vaddr: bigint): number {
    this.observer?.(`MAP_DMA ${rangeText(region)}`);
    const argument = this.#argument.put(
      encode(vfio_iommu_type1_dma_map, {
        argsz: vfio_iommu_type1_dma_map.sizeBytes,
        flags: region.rights,
        vaddr,
        iova: pageToBytes(region.iovaPfn),
        size: sizeBytes(region.pages),
      }),
    );
    const error = this.#process.ioctl(this.fd, VFIO_IOMMU_MAP_DMA, argument);
    if (error === 0) this.#extents.splice(firstEndingBehind(this.#extents, region.iovaPfn), 0, region);
    return error;
  }

  /** VFIO_IOMMU_UNMAP_DMA of a range that cuts no extent. Returns 0 or -errno. */
  unmapDma({ iovaPfn: start, pages }: PageRange): number {
    this.observer?.(`UNMAP_DMA ${rangeText({ iovaPfn: start, pages })}`);
    const argument = this.#argument.put(
      encode(vfio_iommu_type1_dma_unmap, {
        argsz: vfio_iommu_type1_dma_unmap.sizeBytes,
        flags: 0,
        iova: pageToBytes(start),
        size: sizeBytes(pages),
        data: new Uint8Array(),
      }),
    );
    const error = this.#process.ioctl(this.fd, VFIO_IOMMU_UNMAP_DMA, argument);
    if (error === 0) {
      const first = firstEndingBehind(this.#extents, start);
      const last = firstEndingBehind(this.#extents, start + pages - 1);
      // The last one may begin in the range, or behind it.
      const isIn = last < this.#extents.length && this.#extents[last]!.iovaPfn < start + pages;
      this.#extents.splice(first, last - first + (isIn ? 1 : 0));
    }
    return error;
  }

  /**
   * VFIO_IOMMU_SET_MAP with the regions of a map as they are. `flags` are VFIO_IOMMU_SET_MAP_FLAG_* without
   * EXPECT_GENERATION; with DRY_RUN the container keeps what it has. Returns 0 or -errno and the kernel's report.
   */
  setMap(
    map: MemoryMap,
    vaddrOf: (region: MapRegion) => VaddrPfn,
    flags: number,
  ): { errno: number; report: MapReport } {
    this.observer?.(`SET_MAP regions=${map.regions.length}`);
    const regions = this.#regions.put(encodeRegions(map.regions, vaddrOf));
    const reportBytes = vfio_iommu_type1_map_report.sizeBytes;
    const report = this.#report.put(new Uint8Array(reportBytes));
    const argument = this.#argument.put(
      encode(vfio_iommu_type1_set_map, {
        argsz: vfio_iommu_type1_set_map.sizeBytes,
        flags,
        generation: 0n,
        regions,
        nr_regions: map.regions.length,
        region_size: vfio_iommu_type1_map_region.sizeBytes,
        report,
        report_size: reportBytes,
        reserved: 0,
      }),
    );
    const errno = this.#process.ioctl(this.fd, VFIO_IOMMU_SET_MAP, argument);
    if (errno === 0 && (flags & VFIO_IOMMU_SET_MAP_FLAG_DRY_RUN) === 0) this.#extents = [...map.regions];
    return { errno, report: decode(vfio_iommu_type1_map_report, this.#report.get(reportBytes)) };
  }

  /** Closes everything, devices first; the kernel then takes the whole map back. */
  close(): void {
    for (const fd of this.#openFds.splice(0).reverse()) this.#process.close(fd);
    this.#extents = [];
  }
}
