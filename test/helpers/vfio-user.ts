import type { Type1 } from "../../src/kernel/index.ts";
import { Kernel, type KernelOptions, type Process } from "../../src/kernel/index.ts";
import {
  encode,
  VFIO_GROUP_SET_CONTAINER,
  VFIO_IOMMU_DIRTY_PAGES,
  VFIO_IOMMU_GET_INFO,
  VFIO_IOMMU_MAP_DMA,
  VFIO_IOMMU_UNMAP_DMA,
  VFIO_SET_IOMMU,
  vfio_bitmap,
  vfio_iommu_type1_dirty_bitmap,
  vfio_iommu_type1_dma_map,
  vfio_iommu_type1_dma_unmap,
} from "../../src/uapi/index.ts";

/** A machine that boots in milliseconds. */
export const SMALL_MACHINE: KernelOptions = { ramFrames: 2 ** 18, tablePages: 4096 };

export const bootSmall = (options: KernelOptions = {}): Kernel =>
  new Kernel({ ...SMALL_MACHINE, ...options });

const STRUCT_BYTES = 8192;
export const PAGE = 4096n;

/** A process that drives one container with raw ioctls, as a VMM does. */
export class VfioUser {
  readonly kernel: Kernel;
  readonly process: Process;
  readonly struct: bigint;
  readonly bitmap: bigint;
  container = -1;
  /** Descriptors of the groups opened so far, by index. */
  readonly groups: number[] = [];

  constructor(kernel: Kernel, process = kernel.createProcess()) {
    this.kernel = kernel;
    this.process = process;
    this.struct = process.mmap(STRUCT_BYTES, "pop");
    this.bitmap = process.mmap(1 << 20, "pop");
  }

  /** A process with groups 0 … count-1 in one container of the given version. */
  static ready(options: KernelOptions & { version?: 1 | 2; attach?: number } = {}): VfioUser {
    const { version = 2, attach = 1, ...boot } = options;
    const user = new VfioUser(bootSmall(boot));
    user.open();
    for (let group = 0; group < attach; group++) {
      const result = user.attach(user.openGroup(group));
      if (result !== 0) throw new Error(`attach of group ${group}: ${result}`);
    }
    const result = user.setIommu(version);
    if (result !== 0) throw new Error(`SET_IOMMU: ${result}`);
    return user;
  }

  open(): number {
    this.container = this.process.open("/dev/vfio/vfio");
    return this.container;
  }
  openGroup(index: number): number {
    const fd = this.process.open(`/dev/vfio/${index}`);
    if (fd >= 0) this.groups[index] = fd;
    return fd;
  }
  attach(group: number, container = this.container): number {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setInt32(0, container, true);
    return this.process.ioctl(group, VFIO_GROUP_SET_CONTAINER, this.put(bytes));
  }
  setIommu(version: 1 | 2): number {
    return this.process.ioctl(this.container, VFIO_SET_IOMMU, version === 1 ? 1n : 3n);
  }

  /** The IOMMU of the container of group 0. */
  get iommu(): Type1 {
    const iommu = this.kernel.groups[0]!.container?.iommu;
    if (!iommu) throw new Error("the container of group 0 has no IOMMU");
    return iommu;
  }

  put(bytes: Uint8Array): bigint {
    this.process.write(this.struct, new Uint8Array(256));
    this.process.write(this.struct, bytes);
    return this.struct;
  }

  map(iova: bigint, size: bigint, vaddr: bigint, flags = 3, argsz = 32): number {
    const bytes = encode(vfio_iommu_type1_dma_map, { argsz, flags, vaddr, iova, size });
    return this.process.ioctl(this.container, VFIO_IOMMU_MAP_DMA, this.put(bytes));
  }

  /** Returns the result and the size field as the kernel left it. */
  unmap(iova: bigint, size: bigint, flags = 0, argsz = 24): { result: number; size: bigint } {
    const bytes = encode(vfio_iommu_type1_dma_unmap, { argsz, flags, iova, size, data: new Uint8Array() });
    const result = this.process.ioctl(this.container, VFIO_IOMMU_UNMAP_DMA, this.put(bytes));
    return { result, size: this.sizeField() };
  }

  unmapDirty(iova: bigint, size: bigint, data = this.bitmap): { result: number; size: bigint } {
    const tail = encode(vfio_bitmap, { pgsize: PAGE, size: bitmapBytes(size), data });
    const bytes = encode(vfio_iommu_type1_dma_unmap, { argsz: 48, flags: 1, iova, size, data: tail });
    const result = this.process.ioctl(this.container, VFIO_IOMMU_UNMAP_DMA, this.put(bytes));
    return { result, size: this.sizeField() };
  }

  sizeField(): bigint {
    return new DataView(this.process.read(this.struct + 16n, 8).buffer).getBigUint64(0, true);
  }

  dirty(flags: number): number {
    const bytes = encode(vfio_iommu_type1_dirty_bitmap, { argsz: 8, flags, data: new Uint8Array() });
    return this.process.ioctl(this.container, VFIO_IOMMU_DIRTY_PAGES, this.put(bytes));
  }

  getDirty(
    iova: bigint,
    size: bigint,
    { data = this.bitmap, pgsize = PAGE, bytes = bitmapBytes(size), argsz = 48 } = {},
  ): number {
    const range = new Uint8Array(40);
    [iova, size, pgsize, bytes, data].forEach((value, i) => {
      new DataView(range.buffer).setBigUint64(8 * i, value, true);
    });
    const struct = encode(vfio_iommu_type1_dirty_bitmap, { argsz, flags: 4, data: range });
    return this.process.ioctl(this.container, VFIO_IOMMU_DIRTY_PAGES, this.put(struct));
  }

  getInfo(argsz: number): { result: number; bytes: Uint8Array } {
    const bytes = new Uint8Array(4096).fill(0xa5);
    new DataView(bytes.buffer).setUint32(0, argsz, true);
    this.process.write(this.struct, bytes);
    const result = this.process.ioctl(this.container, VFIO_IOMMU_GET_INFO, this.struct);
    return { result, bytes: this.process.read(this.struct, 4096) };
  }
}

export const bitmapBytes = (size: bigint): bigint => ((size / PAGE + 63n) / 64n) * 8n;
