import type { MapReport, VfioContainer } from "../container.ts";
import type { GuestMemory } from "../guest.ts";
import type { MemoryMap } from "../memory-map.ts";

/** A running VMM: guest memory and the container whose map follows the guest's. */
export interface Vm {
  readonly guest: GuestMemory;
  readonly container: VfioContainer;
}

/** What changing the map took. */
export interface Applied {
  /** 0, or the -errno of the call that ended the attempt. What is mapped then depends on the strategy. */
  readonly errno: number;
  /** ioctls issued, the failed one included. */
  readonly ioctls: number;
  /** The kernel's own account, where the strategy's ioctl gives one. */
  readonly report?: MapReport;
}

/** A way of taking a container from one memory map to the next while devices go on. */
export interface Strategy {
  readonly name: string;
  /** One sentence for people. */
  readonly summary: string;
  /** The whole map changes in one instant for each device; no device with ATS may be attached then. */
  readonly isEpoch?: boolean;
  /** Neighbouring regions of continuing memory become one mapping; all others map region by region. */
  readonly joinsRegions?: boolean;
  /** Pre: the container's map means `old`. */
  apply(vm: Vm, old: MemoryMap, next: MemoryMap): Applied;
}
