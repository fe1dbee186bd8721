import type { Pfn, Rights } from "../../units/index.ts";

/** One 64-bit entry as two 32-bit words; a value in kernel memory, never a view of a live table. */
export interface Entry {
  readonly lo: number;
  readonly hi: number;
}

export const ABSENT: Entry = { lo: 0, hi: 0 };

/** A leaf with some of its hardware bits set. */
export const marked = (leaf: Entry, bits: number): Entry =>
  bits === 0 ? leaf : { lo: (leaf.lo | bits) >>> 0, hi: leaf.hi };

/**
 * The bits of one kind of page-table entry, and nothing else: which steps are allowed is the capability record's business.
 */
export interface Format {
  readonly name: string;
  /** Accessed and dirty, which walkers set in leaves: bits of the low word. Nothing else may depend on them. */
  readonly hardwareBits: number;
  /** The dirty one of them. */
  readonly dirtyBit: number;
  /** A leaf of 512^level pages. Pre: `pfn` is aligned to that size. */
  leaf(level: number, pfn: Pfn, rights: Rights): Entry;
  /** Distance between the entries of two consecutive leaves at `level`, as a 64-bit addend. */
  leafStride(level: number): Entry;
  /** A pointer to a child table; its rights are wide open, narrowing happens in leaves only. */
  table(child: Pfn): Entry;
  isPresent(lo: number, hi: number): boolean;
  /** True iff a present entry at `level` points to a child table. */
  isTable(level: number, lo: number, hi: number): boolean;
  /** Frame of a present leaf, or of the child table. */
  pfnOf(lo: number, hi: number): Pfn;
  /** Rights of a leaf. */
  rightsOf(lo: number, hi: number): Rights;
}
