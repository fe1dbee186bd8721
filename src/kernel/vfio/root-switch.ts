import type { Type1 } from "./type1.ts";

/**
 * Can the container's map be replaced in one instant for each device?
 *
 * Every IOMMU in front of it must switch root and tag in one store, and no device may translate for itself: a device TLB
 * is not tagged by domain, so it may go on using the old map after the device has had answers of the new one.
 */
export function canSwitchRoots({ domains, groups }: Type1): boolean {
  return (
    domains.every(({ capability }) => capability.rootSwitch) &&
    [...groups.keys()].every(({ device }) => !device.ats)
  );
}
