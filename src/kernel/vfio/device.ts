import { Errno } from "../../uapi/index.ts";
import { PAGE_SIZE_BYTES, type Pfn } from "../../units/index.ts";
import type { FileOps } from "../file.ts";
import type { Group } from "./group.ts";

/** Size of BAR 0 of every device. */
export const BAR_PAGES = 256;

/** A PCI device behind the IOMMU. */
export class Device {
  /** PCI name, e.g. `0000:00:04.0`. */
  readonly name: string;
  /** Which of the engine's devices it is. */
  readonly slot: number;
  /** First frame of BAR 0, BAR_PAGES long. */
  readonly barPfn: Pfn;
  /** Address translation services are on: the device caches translations for itself, under no domain's tag. */
  readonly ats: boolean;

  constructor(name: string, slot: number, barPfn: Pfn, ats: boolean) {
    this.name = name;
    this.slot = slot;
    this.barPfn = barPfn;
    this.ats = ats;
  }

  /** Does the string of GET_DEVICE_FD mean this device? 0, -ENODEV, or -EINVAL for words behind the name (we know none). */
  matches(text: string): number {
    if (!text.startsWith(this.name)) return -Errno.ENODEV;
    const rest = text.slice(this.name.length);
    if (rest !== "" && !rest.startsWith(" ")) return -Errno.ENODEV;
    return rest.trim() === "" ? 0 : -Errno.EINVAL;
  }
}

/** An open device. It can be mapped (BAR 0); its own ioctls are not emulated. */
export class DeviceFile implements FileOps {
  readonly #group: Group;

  constructor(group: Group) {
    this.#group = group;
  }

  get device(): Device {
    return this.#group.device;
  }

  /** Size of BAR 0, the one region that can be mapped. */
  get barBytes(): number {
    return BAR_PAGES * PAGE_SIZE_BYTES;
  }

  ioctl(): number {
    return -Errno.ENOTTY;
  }

  release(): void {
    this.#group.deviceReleased();
  }
}
