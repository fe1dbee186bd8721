import type { CheckedCapability } from "./geometry.ts";

/** What an entry is to a walker at some level. */
export const ABSENT = 0;
export const LEAF = 1;
export const TABLE = 2;
export const MALFORMED = 3;
export type EntryKind = typeof ABSENT | typeof LEAF | typeof TABLE | typeof MALFORMED;

/**
 * Reads entries of one format. The checker's own: it must not believe what the planner's encoder believes.
 * Entries come as two 32-bit words so that no BigInt is made on the way.
 */
export interface Decoder {
  kind(level: number, lo: number, hi: number): EntryKind;
  /** Frame of a leaf, or frame of the child table. */
  frame(lo: number, hi: number): number;
  rights(lo: number, hi: number): number;
  /** Everything else a leaf says about an access, such as snooping. */
  attributes(lo: number, hi: number): number;
  /** True iff the words differ in more than bits hardware sets by itself. */
  differ(lo: number, hi: number, otherLo: number, otherHi: number): boolean;
  /** True iff the entry says that its memory was written. */
  isDirty(lo: number, hi: number): boolean;
  /** Why an entry is malformed, in words; "" for any other. */
  fault(level: number, lo: number, hi: number): string;
}

/** Makes the decoder of a format for one capability record. */
export type DecoderFactory = (capability: CheckedCapability) => Decoder;
