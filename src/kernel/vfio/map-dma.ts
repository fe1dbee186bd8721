import {
  decode,
  Errno,
  type ValueOf,
  VFIO_DMA_MAP_FLAG_READ,
  VFIO_DMA_MAP_FLAG_VADDR,
  VFIO_DMA_MAP_FLAG_WRITE,
  vfio_iommu_type1_dma_map,
} from "../../uapi/index.ts";
import { bytesToPage, iovaPfn, type VaddrPfn, vaddrPfn } from "../../units/index.ts";
import { chargePages, unchargePages } from "../mm/accounting.ts";
import type { Process } from "../process.ts";
import { allocateDirtyBitmap } from "./dirty-bitmap.ts";
import { isUsable } from "./iova-ranges.ts";
import type { Mapping } from "./mapping.ts";
import { pinAndMap } from "./pin-and-map.ts";
import { removeTranslations } from "./remove-mapping.ts";
import type { Type1 } from "./type1.ts";
import { wraps } from "./user-argument.ts";

const RIGHTS = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE;

/** VFIO_IOMMU_MAP_DMA: adds one mapping, or with VADDR gives one its new process address. A failed call changes nothing. */
export function mapDma(iommu: Type1, process: Process, _argument: bigint, head: Uint8Array): number {
  const map = decode(vfio_iommu_type1_dma_map, head);
  if (map.flags & ~(RIGHTS | VFIO_DMA_MAP_FLAG_VADDR)) return -Errno.EINVAL;
  if (map.size === 0n) return -Errno.EINVAL;
  if (wraps(map.iova, map.size) || wraps(map.vaddr, map.size)) return -iommu.behaviour.wrapErrno;
  const updatesVaddr = (map.flags & VFIO_DMA_MAP_FLAG_VADDR) !== 0;
  if (updatesVaddr === ((map.flags & RIGHTS) !== 0)) return -Errno.EINVAL;
  if ((map.size | map.iova | map.vaddr) & (iommu.smallestPageBytes - 1n)) return -Errno.EINVAL;

  const start = bytesToPage(map.iova);
  const pages = Number(map.size >> 12n);
  const existing = iommu.firstOverlapping(start, start + pages);
  if (updatesVaddr) return updateVaddr(iommu, process, existing, map);
  if (existing !== undefined) return -Errno.EEXIST;
  if (iommu.dmaAvail === 0) return -Errno.ENOSPC;
  if (!isUsable(iommu.iovaRanges, start, start + pages)) return -Errno.EINVAL;
  if (iommu.kernel.faults.shouldFail("tracking")) return -Errno.ENOMEM;

  const mapping: Mapping = {
    iovaPfn: iovaPfn(start),
    pages,
    vaddrPfn: vaddrPfn(bytesToPage(map.vaddr)),
    rights: map.flags & RIGHTS,
    mm: process.mm,
    lockCap: process.mm.capIpcLock,
    lockedPages: 0,
    dirty: null,
    vaddrInvalid: false,
  };
  const error = pinAndMap(iommu, mapping);
  if (error < 0) return error;
  if (iommu.trackingDirty) {
    const bitmapError = allocateDirtyBitmap(iommu, mapping);
    if (bitmapError < 0) {
      removeTranslations(iommu, mapping);
      unchargePages(mapping.mm, mapping.lockedPages);
      return bitmapError;
    }
  }
  iommu.link(mapping);
  iommu.dmaAvail--;
  iommu.generation++;
  return 0;
}

/** MAP_DMA with VADDR: the process that holds the memory now, and where. Pins stay as they are. */
function updateVaddr(
  iommu: Type1,
  process: Process,
  mapping: Mapping | undefined,
  map: ValueOf<typeof vfio_iommu_type1_dma_map>,
): number {
  if (mapping === undefined) return -Errno.ENOENT;
  const exact = mapping.iovaPfn === bytesToPage(map.iova) && BigInt(mapping.pages) === map.size >> 12n;
  if (!mapping.vaddrInvalid || !exact) return -Errno.EINVAL;
  if (mapping.mm !== process.mm) {
    const error = changeOwner(mapping, process);
    if (error < 0) return error;
  }
  mapping.vaddrPfn = vaddrPfn(bytesToPage(map.vaddr)) as VaddrPfn;
  mapping.vaddrInvalid = false;
  iommu.vaddrInvalidCount--;
  iommu.generation++;
  return 0;
}

/** Moves the charge of a mapping to another process. */
function changeOwner(mapping: Mapping, process: Process): number {
  const lockCap = process.mm.capIpcLock;
  const error = chargePages(process.mm, mapping.lockedPages, lockCap);
  if (error < 0) return error;
  unchargePages(mapping.mm, mapping.lockedPages);
  mapping.mm = process.mm;
  mapping.lockCap = lockCap;
  return 0;
}
