import { Errno } from "../../uapi/errno.ts";

/** What vfio_iommu_type1 allows where nobody says otherwise. */
export const DEFAULT_DMA_ENTRY_LIMIT = 65535;

/** Parameters of the module vfio_iommu_type1. */
export class ModuleParameters {
  /** Mappings a container may hold; read once, at SET_IOMMU. */
  dmaEntryLimit = DEFAULT_DMA_ENTRY_LIMIT;
  /** Pin and map page by page. */
  disableHugepages = false;
  /** Attach groups whose interrupts the IOMMU cannot isolate. */
  allowUnsafeInterrupts = false;

  /** A write to /sys/module/vfio_iommu_type1/parameters/`name`. Returns 0, -ENOENT or -EINVAL. */
  write(name: string, text: string): number {
    switch (name) {
      case "dma_entry_limit": {
        const value = /^\s*(0x[0-9a-f]+|\d+)\s*$/i.test(text) ? Number(text) : Number.NaN;
        if (!(value <= 0xffff_ffff)) return -Errno.EINVAL;
        this.dmaEntryLimit = value;
        return 0;
      }
      case "disable_hugepages":
      case "allow_unsafe_interrupts": {
        const value = flagOf(text);
        if (value === null) return -Errno.EINVAL;
        if (name === "disable_hugepages") this.disableHugepages = value;
        else this.allowUnsafeInterrupts = value;
        return 0;
      }
      default:
        return -Errno.ENOENT;
    }
  }
}

/** What the kernel takes for a boolean: the first letter decides, of `on` and `off` the second. */
function flagOf(text: string): boolean | null {
  if (/^(1|[yt]|on)/i.test(text)) return true;
  return /^(0|[nf]|of)/i.test(text) ? false : null;
}
