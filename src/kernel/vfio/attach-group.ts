import { Errno } from "../../uapi/index.ts";
import { iovaPfn } from "../../units/index.ts";
import type { Domain } from "../iommu/index.ts";
import { keepWrites } from "./dirty-writes.ts";
import type { Group } from "./group.ts";
import { apertureEndPfn } from "./iova-ranges.ts";
import { removeAllMappings } from "./remove-mapping.ts";
import type { Type1 } from "./type1.ts";

/**
 * Puts a group's device behind a container's IOMMU: it shares the domain of a group behind the same unit, or gets a new
 * domain with every mapping replayed. Returns 0, or -errno with nothing changed; the device reaches the map only at the end.
 */
export function attachGroup(iommu: Type1, group: Group): number {
  const { kernel } = iommu;
  if (iommu.vaddrInvalidCount > 0) return -Errno.EBUSY;
  if (iommu.groups.has(group)) return -Errno.EINVAL;
  if (kernel.faults.shouldFail("tracking")) return -Errno.ENOMEM;
  const shared = [...iommu.groups].find(([other]) => other.unit === group.unit)?.[1];
  const domain = shared ?? kernel.iommu.createDomain(group.unit.capability);
  if (domain === null) return -Errno.ENOMEM;
  const error = shared === undefined ? admitDomain(iommu, domain) : admitInterrupts(iommu);
  if (error < 0) {
    if (shared === undefined) kernel.iommu.destroyDomain(domain);
    return error;
  }
  iommu.groups.set(group, domain);
  if (shared === undefined) {
    iommu.domains.unshift(domain);
    iommu.domainsChanged();
  }
  kernel.iommu.attachDevice(domain, group.device.slot);
  return 0;
}

/** Takes a group's device away. With the last group of a domain the domain goes, with the last domain every mapping. */
export function detachGroup(iommu: Type1, group: Group): void {
  const driver = iommu.kernel.iommu;
  const domain = iommu.groups.get(group);
  if (domain === undefined) return;
  driver.detachDevice(domain, group.device.slot);
  iommu.groups.delete(group);
  if ([...iommu.groups.values()].includes(domain)) return;
  if (iommu.domains.length === 1) removeAllMappings(iommu);
  else {
    keepWrites(iommu, domain);
    driver.unmapRange(domain, iovaPfn(0), apertureEndPfn(domain), false);
  }
  iommu.domains.splice(iommu.domains.indexOf(domain), 1);
  driver.destroyDomain(domain);
  iommu.domainsChanged();
}

/** May this new domain join, and does it hold the map afterwards? */
function admitDomain(iommu: Type1, domain: Domain): number {
  const last = iommu.mappings[iommu.mappings.length - 1];
  if (last !== undefined && last.iovaPfn + last.pages > apertureEndPfn(domain)) return -Errno.EINVAL;
  const error = admitInterrupts(iommu);
  return error < 0 ? error : replay(iommu, domain);
}

function admitInterrupts({ kernel }: Type1): number {
  return kernel.interruptRemapping || kernel.parameters.allowUnsafeInterrupts ? 0 : -Errno.EPERM;
}

/** Maps in a new domain what the first one translates, mapping by mapping. Returns 0 or -errno with nothing left in it. */
function replay(iommu: Type1, domain: Domain): number {
  const driver = iommu.kernel.iommu;
  const source = iommu.domains[0];
  if (source === undefined) return 0;
  for (const mapping of iommu.mappings) {
    const runs = driver.physicalRuns(source, mapping.iovaPfn, mapping.pages);
    const error = driver.mapRuns([domain], runs);
    if (error < 0) {
      driver.unmapRange(domain, iovaPfn(0), apertureEndPfn(domain), false);
      return error;
    }
  }
  return 0;
}
