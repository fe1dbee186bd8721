/*
 * VT-d second-stage entries as the walker decodes them. Encoding lives in the kernel's formats; a differential test
 * proves that the two agree.
 */
export const READ_WRITE: u64 = 3;
export const PAGE_SIZE_BIT: u64 = 0x80;
export const ACCESSED: u64 = 0x100;
export const DIRTY: u64 = 0x200;
const ADDRESS: u64 = 0x000f_ffff_ffff_f000;

/** Present iff it grants anything. */
export function isPresent(entry: u64): bool {
  return (entry & READ_WRITE) !== 0;
}

/** Leaf: always at level 0; at levels 1 and 2 with PS; above, PS is not a leaf but reserved. */
export function isLeaf(entry: u64, level: i32): bool {
  return level === 0 || (level <= 2 && (entry & PAGE_SIZE_BIT) !== 0);
}

/** A table pointer that hardware rejects: PS at a level that has no leaves. */
export function isReserved(entry: u64, level: i32): bool {
  return level > 2 && (entry & PAGE_SIZE_BIT) !== 0;
}

/** Frame that a leaf at `level` gives for a page; address bits below the leaf's size do not count. */
export function leafFrame(entry: u64, level: i32, page: u64): u64 {
  const within: u64 = ((<u64>1) << (9 * level)) - 1;
  return (((entry & ADDRESS) >> 12) & ~within) | (page & within);
}

/** Is this a pointer into the table window of `tablePages` pages? If so its low half is the child's offset. */
export function isTablePointer(entry: u64, tablePages: u32): bool {
  const frame = (entry & ADDRESS) >> 12;
  return frame >> 20 === 1 && u32(frame & 0xf_ffff) < tablePages;
}

/** Offset in linear memory of the table a pointer names. */
export function childOffset(entry: u64): u32 {
  return u32(entry) & 0xffff_f000;
}
