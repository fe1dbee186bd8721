import type { FaultInjector } from "../fault-injection.ts";
import type { Iommu } from "../iommu/index.ts";
import type { Personality } from "../personality.ts";
import type { ModuleParameters } from "./module-parameters.ts";

/** The machine around vfio. */
export interface VfioHost {
  readonly iommu: Iommu;
  readonly faults: FaultInjector;
  readonly personality: Personality;
  readonly parameters: ModuleParameters;
  /** The platform isolates the interrupts of a device; without it a group needs allow_unsafe_interrupts. */
  readonly interruptRemapping: boolean;
  /** The kernel has VFIO_IOMMU_SET_MAP; without it it is an upstream one. */
  readonly offersSetMap: boolean;
}
