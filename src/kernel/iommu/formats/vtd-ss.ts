import { type Pfn, pfn, READ, type Rights, WRITE } from "../../../units/index.ts";
import type { Entry, Format } from "../format.ts";

/*
 * VT-d second stage (VT-d spec, "Second-Stage Paging Entries"; kernel path drivers/iommu/generic_pt/fmt/vtdss.h).
 *
 *   63      52 51                 12 11  10  9 8 7 6   2 1 0
 *  | ignored  | page frame          |SNP|   |D|A|S|     |W|R|
 *
 * There is no present bit: an entry is present iff it grants a right. S (page size) marks leaves above level 0.
 */
const SS_READ = READ;
const SS_WRITE = WRITE;
const SS_PAGE_SIZE = 1 << 7;
const SS_ACCESSED = 1 << 8;
const SS_DIRTY = 1 << 9;
const FRAME_LOW_SHIFT = 12;
/** Frame bits held in the low word. */
const FRAMES_PER_HIGH = 2 ** 20;
const FRAME_HIGH_MASK = 0xf_ffff;

export const vtdSecondStage: Format = {
  name: "vtd-ss",
  hardwareBits: SS_ACCESSED | SS_DIRTY,
  dirtyBit: SS_DIRTY,
  leaf: (level: number, frame: Pfn, rights: Rights): Entry => ({
    lo: (((frame % FRAMES_PER_HIGH) << FRAME_LOW_SHIFT) | rights | (level > 0 ? SS_PAGE_SIZE : 0)) >>> 0,
    hi: Math.floor(frame / FRAMES_PER_HIGH),
  }),
  leafStride: (level: number): Entry => {
    const pages = 512 ** level;
    return {
      lo: ((pages % FRAMES_PER_HIGH) << FRAME_LOW_SHIFT) >>> 0,
      hi: Math.floor(pages / FRAMES_PER_HIGH),
    };
  },
  table: (child: Pfn): Entry => ({
    lo: (((child % FRAMES_PER_HIGH) << FRAME_LOW_SHIFT) | SS_READ | SS_WRITE) >>> 0,
    hi: Math.floor(child / FRAMES_PER_HIGH),
  }),
  isPresent: (lo: number): boolean => (lo & (SS_READ | SS_WRITE)) !== 0,
  isTable: (level: number, lo: number): boolean => level > 0 && (lo & SS_PAGE_SIZE) === 0,
  pfnOf: (lo: number, hi: number): Pfn =>
    pfn((hi & FRAME_HIGH_MASK) * FRAMES_PER_HIGH + (lo >>> FRAME_LOW_SHIFT)),
  rightsOf: (lo: number): Rights => lo & (SS_READ | SS_WRITE),
};
