import {
  VFIO_IOMMU_SET_MAP_FLAG_ALLOW_BREAK,
  VFIO_IOMMU_SET_MAP_FLAG_DRY_RUN,
  VFIO_IOMMU_SET_MAP_FLAG_EPOCH,
} from "../../uapi/index.ts";
import type { MemoryMap } from "../memory-map.ts";
import type { Applied, Strategy, Vm } from "./strategy.ts";

export interface SetMapOptions {
  /** Accept break-before-make windows on hardware that needs them. */
  readonly allowBreak?: boolean;
  /** Switch the whole map at one instant. */
  readonly epoch?: boolean;
  /** Reserve, plan and report only. */
  readonly dryRun?: boolean;
}

/** One VFIO_IOMMU_SET_MAP with the next map; a failure leaves the old map. */
export function makeSetMap(options: SetMapOptions = {}): Strategy {
  const flags =
    (options.allowBreak ? VFIO_IOMMU_SET_MAP_FLAG_ALLOW_BREAK : 0) |
    (options.epoch ? VFIO_IOMMU_SET_MAP_FLAG_EPOCH : 0) |
    (options.dryRun ? VFIO_IOMMU_SET_MAP_FLAG_DRY_RUN : 0);
  return {
    name: options.epoch ? "epoch" : "set-map",
    isEpoch: options.epoch ?? false,
    summary: options.epoch
      ? "one VFIO_IOMMU_SET_MAP with EPOCH: the kernel builds the new tables aside and switches the root; needs devices without ATS"
      : "one VFIO_IOMMU_SET_MAP: the kernel compares and edits entries only where the maps differ",
    apply({ container, guest }: Vm, _old: MemoryMap, next: MemoryMap): Applied {
      const vaddrOf = guest.vaddrPfn.bind(guest);
      return { ...container.setMap(next, vaddrOf, flags), ioctls: 1 };
    },
  };
}
