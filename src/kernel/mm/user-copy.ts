import { Errno } from "../../uapi/errno.ts";
import { PAGE_SIZE_BYTES, READ, WRITE } from "../../units/index.ts";
import type { VmaList } from "./vma.ts";

/** End of user space with four-level CPU tables: 2^47 less a guard page. */
export const TASK_SIZE_BYTES = 0x7fff_ffff_f000;
export const TASK_SIZE_PAGES = TASK_SIZE_BYTES / PAGE_SIZE_BYTES;

/** Start of a range as a Number, or -1 when any byte of it lies outside user space. */
export function userStart(vaddr: bigint, length: number): number {
  const address = BigInt.asUintN(64, vaddr);
  if (address > BigInt(TASK_SIZE_BYTES)) return -1;
  const start = Number(address);
  return start + length <= TASK_SIZE_BYTES ? start : -1;
}

/** Copies user bytes into `dst`; 0 or -EFAULT, with the bytes before the first unreadable page copied. */
export function copyIn(areas: VmaList, dst: Uint8Array, vaddr: bigint): number {
  return transfer(areas, vaddr, dst.length, READ, (area, offset, at, length) =>
    area.bytes.read(dst.subarray(at, at + length), offset),
  );
}

/** Copies `src` to user space; 0 or -EFAULT, with the bytes before the first unwritable page copied. */
export function copyOut(areas: VmaList, vaddr: bigint, src: Uint8Array): number {
  return transfer(areas, vaddr, src.length, WRITE, (backing, offset, at, length) => {
    backing.write(Math.floor(offset / PAGE_SIZE_BYTES), Math.ceil((offset + length) / PAGE_SIZE_BYTES));
    backing.bytes.write(offset, src.subarray(at, at + length));
  });
}

/** View of a readable range that one area holds in one piece, or null. */
export function userView(areas: VmaList, vaddr: bigint, length: number): Uint8Array | null {
  const start = userStart(vaddr, length);
  if (start < 0) return null;
  const area = areas.find(Math.floor(start / PAGE_SIZE_BYTES));
  if (area === undefined || !(area.rights & READ) || start + length > area.end * PAGE_SIZE_BYTES) return null;
  return area.backing.bytes.view(start + (area.offset - area.start) * PAGE_SIZE_BYTES, length);
}

function transfer(
  areas: VmaList,
  vaddr: bigint,
  length: number,
  rights: number,
  piece: (
    backing: NonNullable<ReturnType<VmaList["find"]>>["backing"],
    offset: number,
    at: number,
    length: number,
  ) => void,
): number {
  const start = userStart(vaddr, length);
  if (start < 0) return -Errno.EFAULT;
  for (let at = 0; at < length; ) {
    const address = start + at;
    const area = areas.find(Math.floor(address / PAGE_SIZE_BYTES));
    if (area === undefined || (area.rights & rights) !== rights) return -Errno.EFAULT;
    const bytes = Math.min(length - at, area.end * PAGE_SIZE_BYTES - address);
    piece(area.backing, address + (area.offset - area.start) * PAGE_SIZE_BYTES, at, bytes);
    at += bytes;
  }
  return 0;
}
