import type { IovaPfn, Rights, VaddrPfn } from "../../units/index.ts";
import type { AddressSpace } from "../mm/types.ts";

/**
 * One tracked mapping of a container (type1's struct vfio_dma): what user space gave, whatever leaf sizes serve it.
 * The container keeps mappings sorted by IOVA and free of overlap.
 */
export interface Mapping {
  /** First IOVA page; immutable. */
  readonly iovaPfn: IovaPfn;
  /** Size in pages; immutable once the mapping is visible. */
  readonly pages: number;
  /** First page in the owner's address space; written by MAP_DMA with VADDR only. */
  vaddrPfn: VaddrPfn;
  readonly rights: Rights;
  /** Address space that is charged and pinned; written by MAP_DMA with VADDR only. */
  mm: AddressSpace;
  /** CAP_IPC_LOCK was held when the mapping was made. */
  lockCap: boolean;
  /** Pages of this mapping charged to `mm.lockedVm`. */
  lockedPages: number;
  /** Pages known to be dirty and not reported yet, one bit a page; null while tracking is off. Leaves may know of more. */
  dirty: Uint8Array | null;
  /** UNMAP_DMA with VADDR took the address away; MAP_DMA with VADDR brings it back. */
  vaddrInvalid: boolean;
}

/** Index of the first mapping that ends after `page`, or `mappings.length`. */
export function firstEndingAfter(mappings: readonly Mapping[], page: number): number {
  let low = 0;
  let high = mappings.length;
  while (low < high) {
    const mid = (low + high) >>> 1;
    const m = mappings[mid]!;
    if (m.iovaPfn + m.pages > page) high = mid;
    else low = mid + 1;
  }
  return low;
}

/** The mapping that contains `page`, or undefined. */
export function mappingAt(mappings: readonly Mapping[], page: number): Mapping | undefined {
  const m = mappings[firstEndingAfter(mappings, page)];
  return m !== undefined && m.iovaPfn <= page ? m : undefined;
}
