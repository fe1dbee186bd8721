import { OP } from "../../edit-script/index.ts";
import { pageToBytes } from "../../units/index.ts";
import type { PlannedChange } from "../iommu/index.ts";
import { emptyReport, type MapReport } from "./set-map-argument.ts";
import type { Delta } from "./set-map-delta.ts";
import type { Reservation } from "./set-map-reserve.ts";
import type { Type1 } from "./type1.ts";

/** What a planned change does. Costs time in proportion to the map, so only callers who want a report pay. */
export function makeReport(
  iommu: Type1,
  delta: Delta,
  reservation: Reservation,
  planned: PlannedChange,
): MapReport {
  const report = emptyReport();
  let pagesBefore = 0;
  let pinnedBefore = 0;
  for (const mapping of iommu.mappings) {
    pagesBefore += mapping.pages;
    pinnedBefore += mapping.lockedPages;
  }
  report.bytes_kept = pageToBytes(pagesBefore - delta.pagesRemoved - delta.pagesChanged);
  report.bytes_added = pageToBytes(delta.pagesAdded);
  report.bytes_removed = pageToBytes(delta.pagesRemoved);
  report.bytes_changed = pageToBytes(delta.pagesChanged);
  report.leaves_stored = BigInt(planned.counts.leavesStored);
  report.leaves_split = BigInt(planned.counts.split);
  report.leaves_merged = BigInt(planned.counts.merged);
  report.entry_stores = BigInt(planned.change.entryStores);
  report.tables_built = BigInt(planned.counts.tablesBuilt);
  report.tables_freed = BigInt(planned.change.retired.size);
  report.invalidations = BigInt(countInvalidations(iommu, planned));
  report.pages_pinned = BigInt(reservation.pagesPinned);
  report.pages_unpinned = BigInt(reservation.pagesUnpinned);
  report.pages_pinned_peak = BigInt(pinnedBefore + reservation.pagesPinned);
  return report;
}

function countInvalidations(iommu: Type1, planned: PlannedChange): number {
  // Cleaning or not makes no difference to this.
  return iommu.domains.length === 0 ? 0 : planned.change.compose(true).count(OP.invalidate);
}
