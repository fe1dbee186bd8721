import { ABSENT, type Decoder, type EntryKind, LEAF, MALFORMED, TABLE } from "./entry-kind.ts";
import { type CheckedCapability, Geometry } from "./geometry.ts";

const R_W = 3;
const PAGE_SIZE_BIT = 1 << 7;
const ACCESSED_DIRTY = 3 << 8;
const DIRTY = 1 << 9;
/** Execute, memory type, ignore-PAT and snoop; transient mapping is bit 62. */
const LOW_ATTRIBUTES = 0x7c | (1 << 11);
const HIGH_ATTRIBUTES = 1 << 30;
const HIGH_ADDRESS = 0x000f_ffff;

/**
 * VT-d second-stage entries: R 0, W 1, page size 7, A 8, D 9, snoop 11, address 51:12 (VT-d specification, second-stage
 * paging entries). An entry with neither R nor W is not present, whatever else it holds.
 */
export class VtdDecoder implements Decoder {
  readonly #geometry: Geometry;
  readonly #isLeafLevel: readonly boolean[];
  readonly #outputBits: number;
  readonly #outputPages: number;

  constructor(capability: CheckedCapability) {
    this.#geometry = new Geometry(capability);
    this.#isLeafLevel = Array.from({ length: 8 }, (_, level) => capability.leafLevels.includes(level));
    this.#outputBits = capability.outputBits;
    this.#outputPages = 2 ** (capability.outputBits - 12);
  }

  kind(level: number, lo: number, hi: number): EntryKind {
    if ((lo & R_W) === 0) return ABSENT;
    const isLeaf = level === 0 || (lo & PAGE_SIZE_BIT) !== 0;
    const at = this.frame(lo, hi);
    if (at >= this.#outputPages) return MALFORMED;
    if (!isLeaf) return TABLE;
    if (!this.#isLeafLevel[level]) return MALFORMED;
    // A remainder of numbers as large as frames costs more than all the rest.
    return level === 0 || at % this.#geometry.span(level) === 0 ? LEAF : MALFORMED;
  }

  frame(lo: number, hi: number): number {
    return (hi & HIGH_ADDRESS) * 0x10_0000 + (lo >>> 12);
  }

  rights(lo: number): number {
    return lo & R_W;
  }

  attributes(lo: number, hi: number): number {
    return (lo & LOW_ATTRIBUTES) | (hi & HIGH_ATTRIBUTES);
  }

  differ(lo: number, hi: number, otherLo: number, otherHi: number): boolean {
    return ((lo ^ otherLo) & ~ACCESSED_DIRTY) !== 0 || hi !== otherHi;
  }

  isDirty(lo: number): boolean {
    return (lo & DIRTY) !== 0;
  }

  fault(level: number, lo: number, hi: number): string {
    const at = this.frame(lo, hi);
    if (at >= this.#outputPages) return `its address needs more than ${this.#outputBits} bits`;
    const isLeaf = level === 0 || (lo & PAGE_SIZE_BIT) !== 0;
    if (!isLeaf) return "";
    if (!this.#isLeafLevel[level]) return `its page-size bit is set at level ${level}, which has no leaves`;
    if (at % this.#geometry.span(level) !== 0)
      return `its address is not aligned to a leaf of level ${level}`;
    return "";
  }
}
