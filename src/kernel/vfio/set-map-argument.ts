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
import { REGION_BYTES } from "./set-map-regions.ts";

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

const generationBytes = new Uint8Array(8);
const generationView = new DataView(generationBytes.buffer);

/** Writes the generation field of the argument. Returns 0 or -EFAULT. */
export function writeGeneration(mm: AddressSpace, address: bigint, generation: bigint): number {
  generationView.setBigUint64(0, generation, true);
  return mm.copyToUser(address + GENERATION_OFFSET, generationBytes);
}

/** Writes as much of the report as the caller has room for; nothing without one. Returns 0 or -EFAULT. */
export function writeReport(mm: AddressSpace, argument: SetMapArgument, report: () => MapReport): number {
  if (argument.report === 0n) return 0;
  const bytes = encode(vfio_iommu_type1_map_report, report());
  return mm.copyToUser(argument.report, bytes.subarray(0, Math.min(bytes.length, argument.report_size)));
}
