import type { AddressSpace } from "../mm/types.ts";

/** Copies `lengthBytes` of an ioctl argument in; null for a bad address (EFAULT). */
export function copyArgument(mm: AddressSpace, address: bigint, lengthBytes: number): Uint8Array | null {
  const bytes = new Uint8Array(lengthBytes);
  return mm.copyFromUser(bytes, address) < 0 ? null : bytes;
}

/** First address behind user space: 2^47 less a guard page. */
const USER_END = 0x7fff_ffff_f000n;

/** True iff [address, address + length) could be user memory, whatever is mapped there (access_ok). */
export const isUserRange = (address: bigint, lengthBytes: bigint): boolean =>
  address + lengthBytes <= USER_END;

/** True iff start + size - 1 does not fit 64 bits. Pre: size is not 0. */
export const wraps = (start: bigint, size: bigint): boolean => start + size > 1n << 64n;
