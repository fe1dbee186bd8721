import type { EntryReader } from "../../check/mutants/index.ts";
import { type Engine, TABLE_WINDOW_PFN } from "../../engine/types.ts";
import type { Entry, Format } from "../../kernel/iommu/format.ts";
import { pfn, READ, WRITE } from "../../units/index.ts";

const LOW = 0xffff_ffffn;
const word = ({ lo, hi }: Entry): bigint => (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);

/**
 * Reads entries whose level is not known: a present entry is a table pointer iff its frame lies in the window that holds
 * tables, since RAM and tables never share a frame.
 */
export function entryReader(format: Format, engine: Pick<Engine, "tablePages">): EntryReader {
  const low = (entry: bigint): number => Number(entry & LOW);
  const high = (entry: bigint): number => Number(entry >> 32n);
  /* A level 0 leaf of frame 0 is nothing but its rights, which stand at the same place in every present entry. */
  const rightsBits = (rights: number): bigint => word(format.leaf(0, pfn(0), rights));
  const windowEnd = TABLE_WINDOW_PFN + engine.tablePages;
  return {
    isPresent: (entry) => format.isPresent(low(entry), high(entry)),
    isTable(entry) {
      const frame = format.pfnOf(low(entry), high(entry));
      return frame >= TABLE_WINDOW_PFN && frame < windowEnd;
    },
    pfnOf: (entry) => format.pfnOf(low(entry), high(entry)),
    rightsOf: (entry) => format.rightsOf(low(entry), high(entry)),
    withRights: (entry, rights) => (entry & ~rightsBits(READ | WRITE)) | rightsBits(rights),
    leaf: (level, frame, rights) => word(format.leaf(level, frame, rights)),
  };
}
