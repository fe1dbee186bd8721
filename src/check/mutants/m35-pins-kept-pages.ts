import type { CallMutant } from "./mutant.ts";

/**
 * Pins a range again that both maps contain, and gives nothing back for it: each call that changes nothing leaves the
 * guest's memory one pin further from ever being released.
 */
export const M35: CallMutant = {
  id: "M35",
  title: "pins a kept range again and never releases it",
  source:
    "Linux CVE-2013-4592 (KVM); CVE-2023-53630, iommufd: Fix unpinning of pages when an access is present",
  expected: "V12",
  scenario: "no-change",
  seenByThreads: false,
  rewriteCalls([call]) {
    const { oldMap, newMap, pinned } = call!;
    const kept = oldMap.find(({ iovaPfn, pages, pfn, rights }) =>
      newMap.some(
        (run) =>
          run.iovaPfn <= iovaPfn &&
          iovaPfn + pages <= run.iovaPfn + run.pages &&
          run.pfn - run.iovaPfn === pfn - iovaPfn &&
          run.rights === rights,
      ),
    );
    if (kept === undefined) return null;
    return { ...call!, pinned: [...pinned, { pfn: kept.pfn, pages: kept.pages, count: 1 }] };
  },
};
