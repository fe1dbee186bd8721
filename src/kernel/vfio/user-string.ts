import { Errno } from "../../uapi/index.ts";
import type { AddressSpace } from "../mm/types.ts";

/** Longest string a GET_DEVICE_FD argument may be, its zero byte included. */
const MAX_STRING_BYTES = 4096;

/** Copies a zero-terminated string in: -EFAULT where memory ends before the string, -EINVAL for one that is too long. */
export function copyUserString(mm: AddressSpace, address: bigint): string | number {
  const byte = new Uint8Array(1);
  let text = "";
  for (let i = 0; i < MAX_STRING_BYTES; i++) {
    if (mm.copyFromUser(byte, address + BigInt(i)) < 0) return -Errno.EFAULT;
    if (byte[0] === 0) return text;
    text += String.fromCharCode(byte[0]!);
  }
  return -Errno.EINVAL;
}
