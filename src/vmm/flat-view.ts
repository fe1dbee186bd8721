import type { Origin } from "./input-error.ts";

/** What `info mtree -f` prints a range as. `rom` is any read-only range, read-only aliases of RAM included; `i/o` includes IOMMU regions. */
export type FlatRangeKind = "ram" | "rom" | "romd" | "ramd" | "i/o";

/** One range of a QEMU flat view as printed. Addresses are bytes, `last` inclusive. */
export interface FlatRange {
  readonly start: bigint;
  readonly last: bigint;
  readonly priority: number;
  readonly kind: FlatRangeKind;
  readonly nonvolatile: boolean;
  /** Memory region; names are not guaranteed to be unique. */
  readonly name: string;
  /** Where in the memory region the range starts, in bytes. */
  readonly offset: bigint;
  /**
   * What `-o` says about the owner (`dev id=net0`, `obj path=/objects/pc.ram`; `parent …` or `orphan` where there is none),
   * or null where the text does not say.
   */
  readonly owner: string | null;
  readonly line: number;
}

/** An address space that resolves to a flat view. Neither name nor root needs to be unique. */
export interface FlatAddressSpace {
  readonly name: string;
  readonly root: string;
}

/** One FlatView block. Its number is the order of a hash table and changes between dumps. */
export interface FlatView {
  readonly number: number;
  readonly addressSpaces: readonly FlatAddressSpace[];
  readonly ranges: readonly FlatRange[];
  readonly origin: Origin;
}

/**
 * True iff QEMU's listeners would be left alone (flatrange_equal, as far as the printed text tells): same addresses, memory
 * region, offset, read-only, rom-device mode and nonvolatile. Priority and dirty logging do not count; nor does an owner
 * that only one of them tells.
 */
export const sameFlatRange = (a: FlatRange, b: FlatRange): boolean =>
  a.start === b.start &&
  a.last === b.last &&
  a.name === b.name &&
  (a.owner === b.owner || a.owner === null || b.owner === null) &&
  a.offset === b.offset &&
  a.kind === b.kind &&
  a.nonvolatile === b.nonvolatile;
