import {
  Errno,
  encode,
  VFIO_IOMMU_INFO_CAPS,
  VFIO_IOMMU_INFO_PGSIZES,
  VFIO_IOMMU_SET_MAP_FLAG_ALLOW_BREAK,
  VFIO_IOMMU_SET_MAP_FLAG_DRY_RUN,
  VFIO_IOMMU_SET_MAP_FLAG_EPOCH,
  VFIO_IOMMU_SET_MAP_FLAG_EXPECT_GENERATION,
  VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE,
  VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION,
  VFIO_IOMMU_TYPE1_INFO_CAP_SET_MAP,
  VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL,
  vfio_info_cap_header,
  vfio_iommu_type1_info,
  vfio_iommu_type1_info_cap_iova_range,
  vfio_iommu_type1_info_cap_migration,
  vfio_iommu_type1_info_cap_set_map,
  vfio_iommu_type1_info_dma_avail,
} from "../../uapi/index.ts";
import { pageToBytes } from "../../units/index.ts";
import type { Process } from "../process.ts";
import { MAX_BITMAP_BYTES } from "./dirty-bitmap.ts";
import { canSwitchRoots } from "./root-switch.ts";
import type { Type1 } from "./type1.ts";

/**
 * VFIO_IOMMU_GET_INFO: page sizes and the capability chain. A caller whose buffer is too small for the chain succeeds and
 * learns the size it needs; the flags it passes in are ignored.
 */
export function getInfo(iommu: Type1, process: Process, argument: bigint, head: Uint8Array): number {
  const askedBytes = new DataView(head.buffer).getUint32(vfio_iommu_type1_info.offsets.argsz, true);
  const chainAt = vfio_iommu_type1_info.sizeBytes;
  const chain = linkChain(capabilities(iommu), chainAt, iommu.behaviour.capabilityAlignBytes);
  const fits = askedBytes >= chainAt + chain.length;
  if (fits && process.mm.copyToUser(argument + BigInt(chainAt), chain) < 0) return -Errno.EFAULT;
  const info = encode(vfio_iommu_type1_info, {
    argsz: fits ? askedBytes : chainAt + chain.length,
    flags: VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS,
    iova_pgsizes: iommu.pageSizesBytes,
    cap_offset: fits ? chainAt : 0,
    pad: 0,
  });
  return process.mm.copyToUser(argument, info.subarray(0, iommu.behaviour.infoBytes(askedBytes)));
}

const header = (id: number) => ({ id, version: 1, next: 0 });

/** The capabilities in the kernel's order, ours last; their headers not yet linked. */
function capabilities(iommu: Type1): Uint8Array[] {
  return [
    encode(vfio_iommu_type1_info_cap_migration, {
      header: header(VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION),
      flags: 0,
      pgsize_bitmap: iommu.smallestPageBytes,
      max_dirty_bitmap_size: BigInt(MAX_BITMAP_BYTES),
    }),
    encode(vfio_iommu_type1_info_dma_avail, {
      header: header(VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL),
      avail: iommu.dmaAvail,
    }),
    encode(vfio_iommu_type1_info_cap_iova_range, {
      header: header(VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE),
      nr_iovas: iommu.iovaRanges.length,
      reserved: 0,
      iova_ranges: iommu.iovaRanges.map(({ startPfn, endPfn }) => ({
        start: pageToBytes(startPfn),
        end: pageToBytes(endPfn) - 1n,
      })),
    }),
    ...(iommu.kernel.offersSetMap ? [setMapCapability(iommu)] : []),
  ];
}

function setMapCapability(iommu: Type1): Uint8Array {
  const everywhere = VFIO_IOMMU_SET_MAP_FLAG_DRY_RUN | VFIO_IOMMU_SET_MAP_FLAG_EXPECT_GENERATION;
  return encode(vfio_iommu_type1_info_cap_set_map, {
    header: header(VFIO_IOMMU_TYPE1_INFO_CAP_SET_MAP),
    max_regions: iommu.limits.dmaEntryLimit,
    flags:
      everywhere |
      VFIO_IOMMU_SET_MAP_FLAG_ALLOW_BREAK |
      (canSwitchRoots(iommu) ? VFIO_IOMMU_SET_MAP_FLAG_EPOCH : 0),
  });
}

/** Puts capabilities one behind the other; `next` counts from the start of the info struct, 0 ends the chain. */
function linkChain(parts: readonly Uint8Array[], chainAt: number, alignBytes: number): Uint8Array {
  const aligned = (bytes: number): number => Math.ceil(bytes / alignBytes) * alignBytes;
  const chain = new Uint8Array(parts.reduce((sum, part) => sum + aligned(part.length), 0));
  let at = 0;
  parts.forEach((part, i) => {
    chain.set(part, at);
    const end = at + aligned(part.length);
    const next = i + 1 < parts.length ? chainAt + end : 0;
    new DataView(chain.buffer).setUint32(at + vfio_info_cap_header.offsets.next, next, true);
    at = end;
  });
  return chain;
}
