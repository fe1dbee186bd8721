import {
  decode,
  type ValueOf,
  VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE,
  VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION,
  VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL,
  vfio_info_cap_header,
  vfio_iommu_type1_info,
  vfio_iommu_type1_info_cap_iova_range,
  vfio_iommu_type1_info_cap_migration,
  vfio_iommu_type1_info_dma_avail,
  type vfio_iova_range,
} from "../../uapi/index.ts";
import { hex } from "../../units/index.ts";

/** What every byte of the buffer holds that the kernel has not written. */
export const FILLER = 0xa5;
const INFO_BUFFER_BYTES = 4096;

/** A filled buffer that asks for GET_INFO. */
export function infoBytes(argsz: number, flags: number): Uint8Array {
  const bytes = new Uint8Array(INFO_BUFFER_BYTES).fill(FILLER);
  const view = new DataView(bytes.buffer);
  view.setUint32(vfio_iommu_type1_info.offsets.argsz, argsz, true);
  view.setUint32(vfio_iommu_type1_info.offsets.flags, flags, true);
  return bytes;
}

/** The capability chain of a filled-in struct vfio_iommu_type1_info, printed, and the IOVA ranges it names. */
export function chainOf(bytes: Uint8Array): {
  printed: string[];
  ranges: readonly ValueOf<typeof vfio_iova_range>[];
} {
  const printed: string[] = [];
  let ranges: readonly ValueOf<typeof vfio_iova_range>[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  let at = view.getUint32(vfio_iommu_type1_info.offsets.cap_offset, true);
  /* A chain that does not ascend would never end. */
  for (let before = 0; at > before && at + vfio_info_cap_header.sizeBytes <= bytes.length; ) {
    const { id, version, next } = decode(vfio_info_cap_header, bytes, at);
    const place = `@${at}.v${version}`;
    if (id === VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION) {
      const cap = decode(vfio_iommu_type1_info_cap_migration, bytes, at);
      printed.push(
        `MIGRATION${place}:flags=${cap.flags},pgsizes=${hex(cap.pgsize_bitmap)},max=${cap.max_dirty_bitmap_size}`,
      );
    } else if (id === VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL) {
      printed.push(`DMA_AVAIL${place}:${decode(vfio_iommu_type1_info_dma_avail, bytes, at).avail}`);
    } else if (id === VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE) {
      ranges = decode(vfio_iommu_type1_info_cap_iova_range, bytes, at).iova_ranges;
      printed.push(
        `IOVA_RANGE${place}:${ranges.map(({ start, end }) => `${hex(start)}-${hex(end)}`).join(",")}`,
      );
    } else printed.push(`${id}${place}`);
    before = at;
    at = next;
  }
  return { printed, ranges };
}
