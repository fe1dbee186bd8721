import { iovaPfn } from "../../units/index.ts";
import { KernelBug } from "../fault-injection.ts";
import type { Domain } from "../iommu/index.ts";
import { unchargePages } from "../mm/accounting.ts";
import { apertureEndPfn } from "./iova-ranges.ts";
import type { Mapping } from "./mapping.ts";
import type { Type1 } from "./type1.ts";

/**
 * Takes from a mapping all it holds: translations, pins, charge, its place under the entry limit. Returns 0, or -ENOMEM with
 * nothing changed where a leaf reaches beyond the mapping (only set-map makes such leaves) and no table is left to split it.
 * The caller unlinks it.
 */
export function releaseMapping(iommu: Type1, mapping: Mapping): number {
  const error = removeTranslations(iommu, mapping);
  if (error < 0) return error;
  untrack(iommu, mapping);
  return 0;
}

/** Removes everything, as the last group leaves. Cannot fail: whole tables go, so that no leaf is split. */
export function removeAllMappings(iommu: Type1): void {
  if (iommu.mappings.length === 0) return;
  const endPfn = Math.min(...iommu.domains.map(apertureEndPfn));
  if (clearRange(iommu, 0, endPfn) < 0) throw new KernelBug("removeAllMappings: tables ran out");
  for (const mapping of iommu.mappings) untrack(iommu, mapping);
  iommu.mappings.length = 0;
  iommu.generation++;
}

/** Clears the translations of a mapping in every domain and drops the pins. Returns 0 or -ENOMEM with nothing changed. */
export const removeTranslations = (iommu: Type1, mapping: Mapping): number =>
  clearRange(iommu, mapping.iovaPfn, mapping.pages);

/** The same for the first `pages` pages of a mapping whose pinning failed later on: no leaf reaches further. */
export function removeTranslationsOf(iommu: Type1, mapping: Mapping, pages: number): void {
  if (clearRange(iommu, mapping.iovaPfn, pages) < 0)
    throw new KernelBug("removeTranslationsOf: a leaf of a new mapping reaches beyond it");
}

/**
 * The order of vfio_unmap_unpin: every domain but the first lets go, then the first, whose tables say which frames to unpin.
 * On failure in a later domain the earlier ones are mapped again from the first.
 */
function clearRange(iommu: Type1, start: number, pages: number): number {
  const [first, ...others] = iommu.domains;
  if (first === undefined) return 0;
  const { iommu: driver } = iommu.kernel;
  const cleared: Domain[] = [];
  const unmap = (): number => {
    for (const domain of others) {
      const error = driver.unmapRange(domain, iovaPfn(start), pages, false);
      if (error < 0) return error;
      cleared.push(domain);
    }
    return driver.unmapRange(first, iovaPfn(start), pages, true);
  };
  const result = unmap();
  if (result >= 0) return 0;
  if (cleared.length > 0 && driver.mapRuns(cleared, driver.physicalRuns(first, iovaPfn(start), pages)) < 0)
    throw new KernelBug("clearRange: the tables just given back are gone");
  return result;
}

function untrack(iommu: Type1, mapping: Mapping): void {
  unchargePages(mapping.mm, mapping.lockedPages);
  mapping.lockedPages = 0;
  mapping.dirty = null;
  if (mapping.vaddrInvalid) iommu.vaddrInvalidCount--;
  iommu.dmaAvail++;
}
