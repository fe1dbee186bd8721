import { Errno } from "../../uapi/index.ts";
import { type MapRegion, type MemoryMap, sameSection } from "../memory-map.ts";
import { topologyDelta } from "../topology.ts";
import type { Applied, Strategy, Vm } from "./strategy.ts";

/**
 * What QEMU does: every flat range that is gone or differs in anything is unmapped whole, in address order, then every
 * new one is mapped. All of it disappears in between, however small the difference.
 *
 * A failure ends the attempt where it is, between the maps; QEMU aborts the guest then.
 * Source: QEMU address_space_update_topology_pass and hw/vfio listener.
 */
export const legacy: Strategy = {
  name: "legacy",
  summary: "QEMU's listener: unmap all changed flat ranges, then map the new ones",
  apply(vm: Vm, old: MemoryMap, next: MemoryMap): Applied {
    const { deleted, added } = topologyDelta(old.regions, next.regions, (r) => r.iovaPfn, sameSection);
    let ioctls = 0;
    for (const range of deleted) {
      ioctls++;
      const errno = vm.container.unmapDma(range);
      if (errno < 0) return { errno, ioctls };
    }
    for (const range of added) {
      const { errno, calls } = mapWithRetry(vm, range);
      ioctls += calls;
      if (errno < 0) return { errno, ioctls };
    }
    return { errno: 0, ioctls };
  },
};

/** QEMU unmaps the range and tries once more when a mapping is in the way; today's kernels answer EEXIST then, so it never comes to that. */
function mapWithRetry({ container, guest }: Vm, range: MapRegion): { errno: number; calls: number } {
  const vaddr = guest.vaddr(range);
  const errno = container.mapDma(range, vaddr);
  if (errno !== -Errno.EBUSY || container.unmapDma(range) !== 0) return { errno, calls: 1 };
  return { errno: container.mapDma(range, vaddr), calls: 3 };
}
