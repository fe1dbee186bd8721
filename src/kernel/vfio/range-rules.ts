import { mappingAt } from "./mapping.ts";
import type { Type1 } from "./type1.ts";

/** True iff a border of [start, end) lies inside a mapping. */
export function cutsMapping(iommu: Type1, start: number, end: number): boolean {
  const atStart = mappingAt(iommu.mappings, start);
  if (atStart !== undefined && atStart.iovaPfn !== start) return true;
  const atEnd = mappingAt(iommu.mappings, end - 1);
  return atEnd !== undefined && atEnd.iovaPfn + atEnd.pages !== end;
}
