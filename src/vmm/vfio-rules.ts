import { iovaPfn, PAGE_SIZE_BYTES, READ, WRITE } from "../units/index.ts";
import type { FlatRange } from "./flat-view.ts";
import { type MapRegion, type MemoryMap, makeMemoryMap } from "./memory-map.ts";
import type { SkippedRange, SkipReason } from "./skipped-range.ts";

const PAGE_MASK = BigInt(PAGE_SIZE_BYTES - 1);
const BIT_63 = 1n << 63n;

/** True iff there is memory behind a range that a device could be given. */
export const isMemory = ({ kind }: FlatRange): boolean => kind !== "i/o" && kind !== "romd";

/** Regions by which QEMU translates for devices: intel-iommu, amd-iommu, virtio-iommu, SMMUv3 and those of other machines. */
const IOMMU_NAME = /-dmar$|iommu|smmu/i;
/** The registers of an IOMMU have such names too, and are small. */
const SMALLEST_IOMMU_BYTES = 1n << 30n;

/** Printed as i/o like all that is no memory; only name and size tell that an IOMMU of the guest translates there. */
const isTranslated = ({ kind, name, start, last }: FlatRange): boolean =>
  kind === "i/o" && last - start >= SMALLEST_IOMMU_BYTES - 1n && IOMMU_NAME.test(name);

const reasonToSkip = (range: FlatRange): SkipReason | null => {
  if (isTranslated(range)) return "translated by a vIOMMU";
  if (!isMemory(range)) return "not RAM";
  if (range.start & BIT_63) return "address bit 63 set";
  if (((range.start ^ range.offset) & PAGE_MASK) !== 0n) return "unaligned";
  return null;
};

/** What QEMU compares of a range and its pages do not show; null where they show all. */
function sectionOf({ start, last, nonvolatile }: FlatRange): string | null {
  const marks: string[] = [];
  if (nonvolatile) marks.push("nv");
  if (((start | (last + 1n)) & PAGE_MASK) !== 0n)
    marks.push(`0x${start.toString(16)}-0x${last.toString(16)}`);
  return marks.length === 0 ? null : marks.join(":");
}

/**
 * The memory map QEMU's VFIO listener gives a container for a flat view.
 *
 * RAM, read-only ranges (mapped for reading only) and RAM devices are mapped, rounded inwards to 4 KiB pages; everything
 * else is reported in `skipped`. One region per flat range. `backingOf` names the memory behind a range.
 * A read-only range of a rom device cannot be told from read-only RAM in the printed text and counts as RAM.
 * Pre: ranges do not overlap. Source: QEMU hw/vfio listener, vfio_listener_region_add.
 */
export function mapFromFlatRanges(
  ranges: readonly FlatRange[],
  file: string,
  backingOf: (range: FlatRange) => string,
): { map: MemoryMap; skipped: SkippedRange[] } {
  const regions: MapRegion[] = [];
  const skipped: SkippedRange[] = [];
  for (const range of ranges) {
    const first = (range.start + PAGE_MASK) >> 12n;
    const end = (range.last + 1n) >> 12n;
    const reason = reasonToSkip(range) ?? (first >= end ? "no whole page" : null);
    if (reason !== null) {
      const { start, last, name, kind, line } = range;
      skipped.push({ start, last, name, kind, reason, origin: { file, line } });
      continue;
    }
    const section = sectionOf(range);
    regions.push({
      iovaPfn: iovaPfn(Number(first)),
      pages: Number(end - first),
      backing: backingOf(range),
      offsetPages: Number((range.offset + (first << 12n) - range.start) >> 12n),
      rights: range.kind === "rom" ? READ : READ | WRITE,
      ...(section !== null && { section }),
    });
  }
  return { map: makeMemoryMap(regions), skipped };
}
