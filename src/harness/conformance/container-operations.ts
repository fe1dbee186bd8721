import {
  Errno,
  encode,
  VFIO_CHECK_EXTENSION,
  VFIO_GET_API_VERSION,
  VFIO_GROUP_GET_DEVICE_FD,
  VFIO_GROUP_GET_STATUS,
  VFIO_GROUP_SET_CONTAINER,
  VFIO_GROUP_UNSET_CONTAINER,
  VFIO_IOMMU_GET_INFO,
  VFIO_SET_IOMMU,
  vfio_group_status,
  vfio_iommu_type1_info,
} from "../../uapi/index.ts";
import { hex } from "../../units/index.ts";
import { chainOf, FILLER, infoBytes } from "./info-chain.ts";
import type { Outcome } from "./row.ts";
import type { Operation } from "./script.ts";
import type { Session } from "./session.ts";

/* Operations on containers, groups and devices: open, attach, choose, ask. */

const CONTAINER_PATH = "/dev/vfio/vfio";
/** Bytes of a struct and the zeroes behind it. */
const STRUCT_ROOM_BYTES = 256;

/** A struct with zeroes behind it, so that nothing of an earlier call is taken for its tail. */
export function roomy(bytes: Uint8Array): Uint8Array {
  const room = new Uint8Array(Math.max(STRUCT_ROOM_BYTES, bytes.length));
  room.set(bytes);
  return room;
}

export const openContainer = (session: Session, name: string): number =>
  session.opened(name, session.process.open(CONTAINER_PATH));

/** Group nodes are root's; the container's is everybody's. */
export const openGroup = (session: Session, name: string, index: bigint): number =>
  session.isRoot ? session.opened(name, session.process.open(`/dev/vfio/${index}`)) : -Errno.EACCES;

/** The number of a file goes through memory, so that its place can be bad. */
export function attach(session: Session, group: string, containerFd: number, place?: string): number {
  const number = new Uint8Array(STRUCT_ROOM_BYTES);
  new DataView(number.buffer).setInt32(0, containerFd, true);
  return session.ioctl(group, VFIO_GROUP_SET_CONTAINER, session.memory.put(number, place));
}

/** Open, attach and choose the run's type. The first that fails is the result. */
export function setup(session: Session): Outcome {
  const steps = [
    () => openContainer(session, "c0"),
    () => openGroup(session, "g0", 0n),
    () => attach(session, "g0", session.fd("c0")),
    () => session.ioctl("c0", VFIO_SET_IOMMU, session.iommuType),
  ];
  for (const step of steps) {
    const result = step();
    if (result < 0) return { result };
  }
  return { result: 0, fields: [`top=${hex(session.learnTop("c0"))}`] };
}

export function setIommu(session: Session, operation: Operation): Outcome {
  const text = operation.keys.get("type")!;
  const type = text === "V" ? session.iommuType : session.number(operation, text);
  const container = session.container(operation);
  const result = session.ioctl(container, VFIO_SET_IOMMU, type);
  if (result === 0) session.learnTop(container);
  return { result };
}

export const detach = (session: Session, name: string): Outcome => ({
  result: session.ioctl(name, VFIO_GROUP_UNSET_CONTAINER, 0n),
});

export function close(session: Session, name: string): Outcome {
  const result = session.process.close(session.fd(name));
  session.closed(name);
  return { result };
}

export const apiVersion = (session: Session, operation: Operation): Outcome => ({
  result: session.ioctl(session.container(operation), VFIO_GET_API_VERSION, 0n),
});

export const checkExtension = (session: Session, operation: Operation): Outcome => ({
  result: session.ioctl(
    session.container(operation),
    VFIO_CHECK_EXTENSION,
    session.number(operation, operation.words[0]!),
  ),
});

export function groupStatus(session: Session, operation: Operation): Outcome {
  const argsz = session.key32(operation, "argsz", 8);
  const bytes = roomy(encode(vfio_group_status, { argsz, flags: 0 }));
  const address = session.memory.put(bytes, operation.keys.get("place"));
  const result = session.ioctl(operation.words[0]!, VFIO_GROUP_GET_STATUS, address);
  const view = new DataView(session.memory.peek(address, 8).bytes.buffer);
  return { result, fields: [`argsz=${view.getUint32(0, true)}`, `flags=${hex(view.getUint32(4, true))}`] };
}

/** `D0` and `D1` stand for the names of the devices in the groups; the script cannot know them. */
export function deviceFd(session: Session, operation: Operation): Outcome {
  const [name, group] = operation.words as [string, string];
  const asked = operation.keys.get("name") ?? "D0";
  const known = /^D(\d+)$/.exec(asked);
  const device = known === null ? undefined : session.kernel.groups[Number(known[1])]?.device;
  const text = new TextEncoder().encode((device?.name ?? asked) + "\0");
  const address = session.memory.put(roomy(text), operation.keys.get("place"));
  return { result: session.opened(name, session.ioctl(group, VFIO_GROUP_GET_DEVICE_FD, address)) };
}

/** GET_INFO on a filled buffer: what was written, and every capability. */
export function getInfo(session: Session, operation: Operation): Outcome {
  const argsz = session.key32(operation, "argsz", 104);
  const flags = session.key32(operation, "flags", 0);
  const before = infoBytes(argsz, flags);
  const address = session.memory.put(before, operation.keys.get("place"));
  const result = session.ioctl(session.container(operation), VFIO_IOMMU_GET_INFO, address);
  const { bytes, readable } = session.memory.peek(address, before.length);
  const view = new DataView(bytes.buffer);
  const fields = [
    `wrote=${lastWritten(bytes.subarray(0, readable))}`,
    `argsz=${view.getUint32(vfio_iommu_type1_info.offsets.argsz, true)}`,
    `flags=${hex(view.getUint32(vfio_iommu_type1_info.offsets.flags, true))}`,
  ];
  if (result === 0) {
    const { iova_pgsizes, cap_offset } = vfio_iommu_type1_info.offsets;
    fields.push(`pgsizes=${hex(view.getBigUint64(iova_pgsizes, true))}`);
    if (argsz >= vfio_iommu_type1_info.sizeBytes) {
      const offset = view.getUint32(cap_offset, true);
      fields.push(`cap_offset=${offset}`, ...(offset === 0 ? [] : chainOf(bytes).printed));
    }
  }
  return { result, fields };
}

/** Index behind the last byte that is no filler any more; argsz and flags do not count. */
function lastWritten(bytes: Uint8Array): number {
  for (let i = bytes.length - 1; i >= 8; i--) if (bytes[i] !== FILLER) return i + 1;
  return 0;
}

/** Any number on any file, with a zeroed struct that starts with argsz or with a plain value. */
export function raw(session: Session, operation: Operation): Outcome {
  const file = operation.keys.get("fd") ?? session.container(operation);
  const nr = session.key32(operation, "nr", 0);
  const value = operation.keys.get("arg");
  if (value !== undefined) return { result: session.ioctl(file, nr, session.number(operation, value)) };
  const bytes = new Uint8Array(STRUCT_ROOM_BYTES);
  new DataView(bytes.buffer).setUint32(0, session.key32(operation, "argsz", 64), true);
  return { result: session.ioctl(file, nr, session.memory.put(bytes, operation.keys.get("place"))) };
}

/** A write to a module parameter: root's business. */
export function writeParameter(session: Session, operation: Operation): Outcome {
  const [name, value] = operation.words as [string, string];
  return { result: session.isRoot ? session.kernel.parameters.write(name, value) : -Errno.EACCES };
}
