import { RAM_BASE_PFN } from "../../engine/types.ts";
import { Errno } from "../../uapi/index.ts";
import { type IovaPfn, iovaPfn, type Pfn, type VaddrPfn } from "../../units/index.ts";
import { type Domain, type Iommu, NO_FRAME, RunList } from "../iommu/index.ts";
import type { AddressSpace, PinnedRun } from "../mm/types.ts";
import type { Mapping } from "./mapping.ts";
import type { Delta } from "./set-map-delta.ts";

/** Frames below RAM (zero page, device memory) have no pin count and are not charged. */
const isCounted = (frame: number): boolean => frame >= RAM_BASE_PFN;

/** Everything a map change needs from memory management, taken before the first visible store. */
export interface Reservation {
  /** The change as runs of frames, for the planner. */
  readonly runs: RunList;
  /** Frames that lose a pin once no device can reach them. */
  readonly unpins: readonly { pfn: Pfn; pages: number }[];
  readonly pagesPinned: number;
  readonly pagesUnpinned: number;
  /** Pages that each old mapping no longer has charged. */
  readonly uncharged: ReadonlyMap<Mapping, number>;
  /** Pages newly charged for each range of the delta, by its index. */
  readonly charged: readonly number[];
  /** Pages charged to the caller beyond what its removed pages give back; may be negative. */
  readonly netCharge: number;
  release(): void;
}

/**
 * Pins the frames of every added and changed page and finds those that removed and changed pages will lose.
 *
 * RLIMIT_MEMLOCK bounds what the new map has locked, not the moment in between when old and new frames are both pinned:
 * a map of legal size can always be exchanged for another. Kept pages keep their pins and are not looked at.
 * Returns the reservation, or -EFAULT / -ENOMEM with every pin of this call dropped again.
 */
export function reserve(
  iommu: Iommu,
  domain: Domain | null,
  delta: Delta,
  mm: AddressSpace,
): Reservation | number {
  const runs = new RunList();
  const unpins: { pfn: Pfn; pages: number }[] = [];
  const uncharged = new Map<Mapping, number>();
  const charged: number[] = [];
  let pagesPinned = 0;
  let pagesUnpinned = 0;
  let pagesUncharged = 0;
  const release = (): void => {
    for (let i = 0; i < runs.count; i++)
      if (runs.pfns[i] !== NO_FRAME && isCounted(runs.pfns[i]!))
        mm.unpinRun(runs.pfns[i]! as Pfn, runs.ends[i]! - runs.starts[i]!);
  };

  for (const { start, end, old } of delta.ranges) {
    if (old === null || domain === null) continue;
    let lost = 0;
    for (const run of iommu.physicalRuns(domain, iovaPfn(start), end - start)) {
      if (!isCounted(run.pfn)) continue;
      unpins.push(run);
      lost += run.pages;
    }
    pagesUnpinned += lost;
    uncharged.set(old, (uncharged.get(old) ?? 0) + lost);
    if (old.mm === mm) pagesUncharged += lost;
  }

  const run: PinnedRun = { pfn: 0 as Pfn, pages: 0, accounted: false, pinned: false };
  let pagesLeft = delta.pagesAdded + delta.pagesChanged;
  for (const [index, { start, end, next }] of delta.ranges.entries()) {
    charged[index] = 0;
    if (next === null) {
      runs.remove(start as IovaPfn, end - start);
      continue;
    }
    for (let at = start; at < end; ) {
      const vaddr = (next.vaddrPfn + (at - next.iovaPfn)) as VaddrPfn;
      const pinned = mm.pinRun(vaddr, end - at, next.rights, run);
      if (pinned < 0) {
        release();
        // Which of two shortcomings is told does not depend on the order of pages: the limit comes first.
        const wanted = pagesPinned + pagesLeft - pagesUncharged;
        return pinned === -Errno.EFAULT && overLimit(mm, wanted) ? -Errno.ENOMEM : pinned;
      }
      runs.push(iovaPfn(at), pinned, run.pfn, next.rights);
      if (run.accounted) {
        charged[index]! += pinned;
        pagesPinned += pinned;
      }
      pagesLeft -= pinned;
      at += pinned;
    }
  }
  return {
    runs,
    unpins,
    pagesPinned,
    pagesUnpinned,
    uncharged,
    charged,
    netCharge: pagesPinned - pagesUncharged,
    release,
  };
}

const overLimit = (mm: AddressSpace, pages: number): boolean =>
  pages > 0 && !mm.capIpcLock && mm.lockedVm + pages > mm.memlockLimitPages;
