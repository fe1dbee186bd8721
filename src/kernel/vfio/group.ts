import {
  decode,
  Errno,
  encode,
  VFIO_GROUP_FLAGS_CONTAINER_SET,
  VFIO_GROUP_FLAGS_VIABLE,
  VFIO_GROUP_GET_DEVICE_FD,
  VFIO_GROUP_GET_STATUS,
  VFIO_GROUP_SET_CONTAINER,
  VFIO_GROUP_UNSET_CONTAINER,
  vfio_group_status,
} from "../../uapi/index.ts";
import type { FileOps } from "../file.ts";
import type { Process } from "../process.ts";
import { BEHAVIOURS } from "./behaviour.ts";
import { Container } from "./container.ts";
import { type Device, DeviceFile } from "./device.ts";
import type { VfioHost } from "./host.ts";
import type { IommuUnit } from "./iommu-unit.ts";
import { copyArgument } from "./user-argument.ts";
import { copyUserString } from "./user-string.ts";

/** Devices the IOMMU cannot tell apart; here always one. Opened by one file at a time as /dev/vfio/INDEX. */
export class Group implements FileOps {
  readonly index: number;
  readonly device: Device;
  /** The IOMMU in front of the device; groups behind the same one share a container's domain. */
  readonly unit: IommuUnit;
  readonly #host: VfioHost;
  #container: Container | null = null;
  #isOpen = false;
  #fileReleased = false;
  /** Open device files; each keeps the group file, and thereby the attachment, alive. */
  #openDevices = 0;

  constructor(host: VfioHost, index: number, device: Device, unit: IommuUnit) {
    this.#host = host;
    this.index = index;
    this.device = device;
    this.unit = unit;
  }

  get container(): Container | null {
    return this.#container;
  }

  /** open(2) of the node: the group itself, or -EBUSY while it is open. */
  open(): FileOps | number {
    if (this.#isOpen) return -Errno.EBUSY;
    this.#isOpen = true;
    this.#fileReleased = false;
    return this;
  }

  ioctl(process: Process, nr: number, argument: bigint): number {
    this.#host.iommu.committer.forget();
    switch (nr) {
      case VFIO_GROUP_GET_STATUS:
        return this.#getStatus(process, argument);
      case VFIO_GROUP_SET_CONTAINER:
        return this.#setContainer(process, argument);
      case VFIO_GROUP_UNSET_CONTAINER:
        return this.#unsetContainer();
      case VFIO_GROUP_GET_DEVICE_FD:
        return this.#getDeviceFd(process, argument);
      default:
        return -Errno.ENOTTY;
    }
  }

  release(): void {
    this.#fileReleased = true;
    this.#closeIfUnused();
  }

  /** A device file of this group is gone. */
  deviceReleased(): void {
    this.#openDevices--;
    this.#closeIfUnused();
  }

  #closeIfUnused(): void {
    if (!this.#fileReleased || this.#openDevices > 0) return;
    this.#leaveContainer();
    this.#isOpen = false;
  }

  #leaveContainer(): void {
    const container = this.#container;
    this.#container = null;
    container?.detach(this);
  }

  #getStatus(process: Process, argument: bigint): number {
    const bytes = copyArgument(process.mm, argument, vfio_group_status.minSizeBytes);
    if (bytes === null) return -Errno.EFAULT;
    const { argsz } = decode(vfio_group_status, bytes);
    if (argsz < vfio_group_status.minSizeBytes) return -Errno.EINVAL;
    const flags = VFIO_GROUP_FLAGS_VIABLE | (this.#container === null ? 0 : VFIO_GROUP_FLAGS_CONTAINER_SET);
    return process.mm.copyToUser(argument, encode(vfio_group_status, { argsz, flags }));
  }

  #setContainer(process: Process, argument: bigint): number {
    const bytes = copyArgument(process.mm, argument, 4);
    if (bytes === null) return -Errno.EFAULT;
    const file = process.file(new DataView(bytes.buffer).getInt32(0, true));
    if (file === undefined) return -Errno.EBADF;
    if (this.#container !== null) return -Errno.EINVAL;
    if (!(file.ops instanceof Container)) return -BEHAVIOURS[this.#host.personality].foreignFileErrno;
    const error = file.ops.attach(this);
    if (error < 0) return error;
    this.#container = file.ops;
    return 0;
  }

  #unsetContainer(): number {
    if (this.#container === null) return -Errno.EINVAL;
    if (this.#openDevices > 0) return -Errno.EBUSY;
    this.#leaveContainer();
    return 0;
  }

  #getDeviceFd(process: Process, argument: bigint): number {
    const name = copyUserString(process.mm, argument);
    if (typeof name === "number") return name;
    const match = this.device.matches(name);
    if (match < 0) return match;
    if (this.#container === null || this.#container.iommu === null) return -Errno.EINVAL;
    const fd = process.installFile(new DeviceFile(this));
    if (fd >= 0) this.#openDevices++;
    return fd;
  }
}
