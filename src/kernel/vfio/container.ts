import {
  Errno,
  VFIO_API_VERSION,
  VFIO_CHECK_EXTENSION,
  VFIO_GET_API_VERSION,
  VFIO_SET_IOMMU,
  VFIO_TYPE1_IOMMU,
  VFIO_TYPE1_NESTING_IOMMU,
  VFIO_TYPE1v2_IOMMU,
} from "../../uapi/index.ts";
import type { FileOps } from "../file.ts";
import type { Process } from "../process.ts";
import { attachGroup, detachGroup } from "./attach-group.ts";
import { BEHAVIOURS, type Type1Behaviour } from "./behaviour.ts";
import { checkExtension } from "./check-extension.ts";
import type { Group } from "./group.ts";
import type { VfioHost } from "./host.ts";
import { Type1 } from "./type1.ts";
import { type1Ioctl } from "./type1-ioctl.ts";

/**
 * An open /dev/vfio/vfio: inert until it has a group and SET_IOMMU chose a driver, inert again when the last group is gone.
 * Groups keep it alive: closing its last descriptor changes nothing while one is attached.
 */
export class Container implements FileOps {
  readonly #host: VfioHost;
  readonly #behaviour: Type1Behaviour;
  readonly #groups = new Set<Group>();
  #iommu: Type1 | null = null;

  constructor(host: VfioHost) {
    this.#host = host;
    this.#behaviour = BEHAVIOURS[host.personality];
  }

  get iommu(): Type1 | null {
    return this.#iommu;
  }

  get groups(): ReadonlySet<Group> {
    return this.#groups;
  }

  ioctl(process: Process, nr: number, argument: bigint): number {
    this.#host.iommu.committer.forget();
    switch (nr) {
      case VFIO_GET_API_VERSION:
        return VFIO_API_VERSION;
      case VFIO_CHECK_EXTENSION:
        return checkExtension(this.#behaviour, this.#iommu, argument);
      case VFIO_SET_IOMMU:
        return this.#setIommu(argument);
      default:
        return this.#iommu === null ? -Errno.EINVAL : type1Ioctl(this.#iommu, process, nr, argument);
    }
  }

  release(): void {
    /* Nothing to do: what is mapped belongs to the groups, and goes with the last of them. */
  }

  /** Takes a group in; with an IOMMU set, behind it at once. Returns 0 or -errno. */
  attach(group: Group): number {
    if (this.#iommu !== null) {
      const error = attachGroup(this.#iommu, group);
      if (error < 0) return error;
    }
    this.#groups.add(group);
    return 0;
  }

  detach(group: Group): void {
    if (this.#iommu !== null) detachGroup(this.#iommu, group);
    this.#groups.delete(group);
    if (this.#groups.size === 0) this.#iommu = null;
  }

  /** Any extension the driver claims is tried as a type; those that are none fail in its open. */
  #setIommu(type: bigint): number {
    if (this.#groups.size === 0 || this.#iommu !== null) return -Errno.EINVAL;
    if (checkExtension(this.#behaviour, null, type) === 0) return -Errno.ENODEV;
    const v2 = type === BigInt(VFIO_TYPE1v2_IOMMU);
    if (!v2 && type !== BigInt(VFIO_TYPE1_IOMMU)) return this.#refuseType(type);
    if (this.#host.faults.shouldFail("tracking")) return -Errno.ENOMEM;
    const iommu = new Type1(this.#host, v2);
    const attached: Group[] = [];
    for (const group of this.#groups) {
      const error = attachGroup(iommu, group);
      if (error < 0) {
        for (const other of attached.reverse()) detachGroup(iommu, other);
        return error;
      }
      attached.push(group);
    }
    this.#iommu = iommu;
    return 0;
  }

  /** Nesting opens as version 2 but no domain can be switched to it; the other extensions are no types. */
  #refuseType(type: bigint): number {
    if (type === BigInt(VFIO_TYPE1_NESTING_IOMMU) && this.#host.faults.shouldFail("tracking"))
      return -Errno.ENOMEM;
    return -Errno.EINVAL;
  }
}
