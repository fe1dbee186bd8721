import { mergeHastily } from "./hasty-merge.ts";
import type { Mutant } from "./mutant.ts";

/**
 * Looks at the first and the last child only before it merges: a page in between that has other memory gets the frame
 * that would be there if there were no exception.
 */
export const M06: Mutant = {
  id: "M06",
  title: "merges leaves although one in the middle has another frame",
  source: "Xen XSA-275, 937ef32565: unsafe merging of superpages",
  expected: "V02",
  scenario: "odd-pages",
  seenByThreads: true,
  rewrite: (script, context) =>
    mergeHastily(script, context, (pages) => {
      const first = pages[0]!;
      const last = pages[511]!;
      if (first.pfn % 512 !== 0 || last.pfn !== first.pfn + 511) return null;
      if (pages.some((page) => page.rights !== first.rights)) return null;
      return pages.some((page, i) => page.pfn !== first.pfn + i) ? first : null;
    }),
};
