import type { Capability } from "../../edit-script/index.ts";

/** One piece of IOMMU hardware; domains live behind one unit. */
export interface IommuUnit {
  readonly capability: Capability;
}
