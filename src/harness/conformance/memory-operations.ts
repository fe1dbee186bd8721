import { DeviceFile, type MemoryKind, SegmentationFault } from "../../kernel/index.ts";
import { Errno } from "../../uapi/index.ts";
import type { Outcome } from "./row.ts";
import { type Operation, PROTECTIONS } from "./script.ts";
import type { Session } from "./session.ts";

/* Operations on the process itself: its memory, its limits, its rights. */

/** What a symbol is when its memory could not be had: mmap's failure value. */
const MAP_FAILED = 2n ** 64n - 1n;

/** Maps memory and makes its symbol. */
export function mem(session: Session, operation: Operation): Outcome {
  const [name, size, kind, device] = operation.words as [string, string, MemoryKind, string?];
  const bytes = session.number(operation, size);
  const address = kind === "bar" ? mapBar(session, bytes, device) : session.process.mmap(bytes, kind);
  session.symbols.set(name, address < 0n ? MAP_FAILED : address);
  return { result: address < 0n ? Number(address) : 0 };
}

function mapBar(session: Session, bytes: bigint, device: string | undefined): bigint {
  const file = session.process.file(session.fd(device ?? ""));
  if (file === undefined) return BigInt(-Errno.EBADF);
  if (!(file.ops instanceof DeviceFile)) return BigInt(-Errno.ENODEV);
  if (bytes > file.ops.barBytes) return BigInt(-Errno.EINVAL);
  const start = session.process.mmap(bytes, "bar", { barPfn: file.ops.device.barPfn });
  if (start >= 0n) session.barMappings.push({ start, end: start + bytes, file: file.get() });
  return start;
}

/** munmap, mprotect, remap and touch of [A, A + L). */
export function changeMemory(session: Session, operation: Operation): Outcome {
  const [start, length, protection] = operation.words as [string, string, keyof typeof PROTECTIONS];
  const address = session.number(operation, start);
  const bytes = session.number(operation, length);
  const { process } = session;
  switch (operation.name) {
    case "munmap":
      return { result: replaced(session, address, bytes, process.munmap(address, bytes)) };
    case "mprotect":
      return { result: process.mprotect(address, bytes, PROTECTIONS[protection]) };
    case "remap":
      return { result: replaced(session, address, bytes, process.remap(address, bytes)) };
    default:
      return { result: touch(session, address, bytes) };
  }
}

function replaced(session: Session, address: bigint, bytes: bigint, result: number): number {
  if (result === 0) session.unmapBars(address, address + bytes);
  return result;
}

function touch(session: Session, address: bigint, bytes: bigint): number {
  try {
    session.process.touch(address, bytes);
    return 0;
  } catch (error) {
    if (error instanceof SegmentationFault) return -Errno.EFAULT;
    throw error;
  }
}

const RLIM_INFINITY = 2n ** 64n - 1n;

/** Sets both limits; who is not root cannot raise the hard one. */
export function rlimit(session: Session, operation: Operation): Outcome {
  const value = session.number(operation, operation.words[1]!);
  const bytes = value === RLIM_INFINITY ? Number.POSITIVE_INFINITY : Number(value);
  if (!session.isRoot && bytes > session.hardMemlockBytes) return { result: -Errno.EPERM };
  session.hardMemlockBytes = bytes;
  session.process.setMemlockLimit(bytes);
  return { result: 0 };
}

export function drop(session: Session): Outcome {
  session.isRoot = false;
  session.process.dropCapabilities();
  return { result: 0 };
}
