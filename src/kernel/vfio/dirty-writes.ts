import type { Domain } from "../iommu/index.ts";
import { firstEndingAfter, type Mapping } from "./mapping.ts";
import { orShifted, setBits } from "./page-bits.ts";
import type { Type1 } from "./type1.ts";

/*
 * What devices have written, where the IOMMU tells: dirty bits of page-table leaves, and in each mapping's bitmap what was
 * taken out of leaves and is not reported yet. A page is dirty if either says so.
 */

/** Pages of any IOMMU's address space. */
const WHOLE_SPACE_PAGES = 2 ** 52;

/** Does every IOMMU in front of the container mark what its devices write? Where one does not, all pages count as dirty. */
export const tellsWrites = ({ domains }: Type1): boolean =>
  domains.length > 0 && domains.every(({ capability }) => capability.hardwareDirty);

/** Moves what leaves of [start, end) know into the mappings' bitmaps, for leaves that reach beyond it also what lies there. */
export function gatherWrites(iommu: Type1, domains: readonly Domain[], start: number, end: number): void {
  const { mappings } = iommu;
  iommu.kernel.iommu.collectDirty(domains, [[start, end]], (from, pages) => {
    const to = from + pages;
    for (let i = firstEndingAfter(mappings, from); i < mappings.length && mappings[i]!.iovaPfn < to; i++)
      markDirty(mappings[i]!, from, to);
  });
}

/** Forgets all that was written so far. */
export function dropWrites({ kernel, domains }: Type1): void {
  kernel.iommu.collectDirty(domains, [[0, WHOLE_SPACE_PAGES]], () => {});
}

/** A domain whose devices are gone leaves the container: what they wrote stays known. */
export function keepWrites(iommu: Type1, domain: Domain): void {
  if (!iommu.trackingDirty) return;
  if (domain.capability.hardwareDirty) gatherWrites(iommu, [domain], 0, WHOLE_SPACE_PAGES);
  else for (const mapping of iommu.mappings) markDirty(mapping, 0, WHOLE_SPACE_PAGES);
}

function markDirty({ dirty, iovaPfn, pages }: Mapping, from: number, to: number): void {
  if (dirty !== null) setBits(dirty, Math.max(0, from - iovaPfn), Math.min(pages, to - iovaPfn));
}

/**
 * A new mapping takes over what is known of its pages from mappings it replaces; bits of pages that have another backing now
 * come along, since a page too many does no harm.
 */
export function inheritDirty(mapping: Mapping, old: readonly Mapping[]): void {
  const { dirty, iovaPfn: start, pages } = mapping;
  if (dirty === null) return;
  for (let i = firstEndingAfter(old, start); i < old.length && old[i]!.iovaPfn < start + pages; i++) {
    const heirloom = old[i]!.dirty;
    if (heirloom !== null) orShifted(dirty, heirloom, start - old[i]!.iovaPfn);
  }
  /* The last byte may have got bits of pages behind the mapping. */
  if (pages % 8 !== 0) dirty[dirty.length - 1]! &= (1 << (pages % 8)) - 1;
}
