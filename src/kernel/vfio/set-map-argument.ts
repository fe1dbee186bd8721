import {
  decode,
  Errno,
  encode,
  SET_MAP_STRUCT_MAX_BYTES,
  type ValueOf,
  VFIO_IOMMU_MAP_REPORT_NO_REGION,
  VFIO_IOMMU_SET_MAP_FLAG_ALLOW_BREAK,
  VFIO_IOMMU_SET_MAP_FLAG_DRY_RUN,
  VFIO_IOMMU_SET_MAP_FLAG_EPOCH,
  VFIO_IOMMU_SET_MAP_FLAG_EXPECT_GENERATION,
  vfio_iommu_type1_map_report,
  vfio_iommu_type1_set_map,
  zeroed,
} from "../../uapi/index.ts";
import type { AddressSpace } from "../mm/types.ts";
import type { ListInForce } from "./set-map-compare.ts";
import { REGION_BYTES, REGION_WORDS } from "./set-map-regions.ts";

/* The argument of VFIO_IOMMU_SET_MAP on its way in, and the report on its way out. */

export type SetMapArgument = ValueOf<typeof vfio_iommu_type1_set_map>;
export type MapReport = ValueOf<typeof vfio_iommu_type1_map_report>;

const KNOWN_FLAGS =
  VFIO_IOMMU_SET_MAP_FLAG_DRY_RUN |
  VFIO_IOMMU_SET_MAP_FLAG_EXPECT_GENERATION |
  VFIO_IOMMU_SET_MAP_FLAG_ALLOW_BREAK |
  VFIO_IOMMU_SET_MAP_FLAG_EPOCH;
/** Size and bad_region: the least a report can be. */
const REPORT_MIN_BYTES = 8;
const GENERATION_OFFSET = BigInt(vfio_iommu_type1_set_map.offsets["generation"]!);
const ARGUMENT_BYTES = vfio_iommu_type1_set_map.sizeBytes;

export const emptyReport = (): MapReport => ({
  ...zeroed(vfio_iommu_type1_map_report),
  size: vfio_iommu_type1_map_report.sizeBytes,
  bad_region: VFIO_IOMMU_MAP_REPORT_NO_REGION,
});

/**
 * Checks the argument by itself (check order: errno table of SET_MAP). `head` is the kernel's copy of the known part, whose
 * argsz is large enough; what lies behind it is still to be read from `address`.
 */
export function checkArgument(
  mm: AddressSpace,
  address: bigint,
  head: Uint8Array,
  maxRegions: number,
): SetMapArgument | number {
  const argument = decode(vfio_iommu_type1_set_map, head);
  const { argsz, region_size, report, report_size } = argument;
  if ((argument.flags & ~KNOWN_FLAGS) !== 0 || argument.reserved !== 0) return -Errno.EINVAL;
  if (region_size < REGION_BYTES || region_size % 8 !== 0) return -Errno.EINVAL;
  if (report === 0n ? report_size !== 0 : report_size < REPORT_MIN_BYTES) return -Errno.EINVAL;
  if (argument.nr_regions > maxRegions) return -Errno.E2BIG;
  if (argsz > SET_MAP_STRUCT_MAX_BYTES || region_size > SET_MAP_STRUCT_MAX_BYTES) return -Errno.E2BIG;
  if (argsz > ARGUMENT_BYTES) {
    const tail = new Uint8Array(argsz - ARGUMENT_BYTES);
    if (mm.copyFromUser(tail, address + BigInt(ARGUMENT_BYTES)) < 0) return -Errno.EFAULT;
    if (tail.some((byte) => byte !== 0)) return -Errno.E2BIG;
  }
  return argument;
}

/** Writes the generation field of the argument. Returns 0 or -EFAULT. */
export function writeGeneration(mm: AddressSpace, address: bigint, generation: bigint): number {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, generation, true);
  return mm.copyToUser(address + GENERATION_OFFSET, bytes);
}

/** Writes as much of the report as the caller has room for; nothing without one. Returns 0 or -EFAULT. */
export function writeReport(mm: AddressSpace, argument: SetMapArgument, report: MapReport): number {
  if (argument.report === 0n) return 0;
  const bytes = encode(vfio_iommu_type1_map_report, report);
  return mm.copyToUser(argument.report, bytes.subarray(0, Math.min(bytes.length, argument.report_size)));
}

/** Kernel buffer for incoming lists, grown to the largest one seen. */
export class RegionBuffer {
  #bytes = new Uint8Array(64 * REGION_BYTES);
  #words = new Uint32Array(this.#bytes.buffer);

  /** The regions of the last `read`. */
  get words(): Uint32Array {
    return this.#words;
  }

  /**
   * Copies the list in once, so that the caller cannot change it under the checks. Returns 0, -EFAULT, or -E2BIG when a
   * longer region has something behind the part this kernel knows; `badRegion` is then its index.
   */
  read(mm: AddressSpace, argument: SetMapArgument): { errno: number; badRegion: number } {
    const { regions: address, nr_regions: count, region_size: stride } = argument;
    const bytes = count * REGION_BYTES;
    if (bytes > this.#bytes.length) {
      this.#bytes = new Uint8Array(Math.max(bytes, 2 * this.#bytes.length));
      this.#words = new Uint32Array(this.#bytes.buffer);
    }
    if (stride === REGION_BYTES) {
      const view = mm.userBytes(address, bytes);
      if (view !== null) this.#bytes.set(view);
      else if (mm.copyFromUser(this.#bytes.subarray(0, bytes), address) < 0)
        return { errno: -Errno.EFAULT, badRegion: -1 };
      return { errno: 0, badRegion: -1 };
    }
    const wide = new Uint8Array(count * stride);
    if (mm.copyFromUser(wide, address) < 0) return { errno: -Errno.EFAULT, badRegion: -1 };
    for (let i = 0; i < count; i++) {
      this.#bytes.set(wide.subarray(i * stride, i * stride + REGION_BYTES), i * REGION_BYTES);
      const tail = wide.subarray(i * stride + REGION_BYTES, (i + 1) * stride);
      if (tail.some((byte) => byte !== 0)) return { errno: -Errno.E2BIG, badRegion: i };
    }
    return { errno: 0, badRegion: -1 };
  }

  /** Exchanges the storage with the list in force, which this one replaces. */
  swap(inForce: ListInForce): void {
    const words = this.#words;
    this.#words = inForce.words.length === 0 ? new Uint32Array(64 * REGION_WORDS) : inForce.words;
    this.#bytes = new Uint8Array(this.#words.buffer);
    inForce.words = words;
  }
}
