import { mergeHastily } from "./hasty-merge.ts";
import type { Mutant } from "./mutant.ts";

/** Merges leaves of different rights and gives the large leaf all of them: a read-only page between writable ones can be written. */
export const M12: Mutant = {
  id: "M12",
  title: "merges leaves of different rights and grants all of them",
  source: "Xen XSA-275, 937ef32565: unsafe merging; common where only frames are compared",
  expected: "V03",
  scenario: "odd-pages",
  seenByThreads: true,
  rewrite: (script, context) =>
    mergeHastily(script, context, (pages) => {
      const base = pages[0]!.pfn;
      if (base % 512 !== 0 || pages.some((page, i) => page.pfn !== base + i)) return null;
      const rights = pages.reduce((all, page) => all | page.rights, 0);
      // A page that loses rights in this very script would be a stale answer, not an escalation.
      if (pages.some((page) => page.written && page.rights !== rights)) return null;
      return pages.some((page) => page.rights !== rights) ? { pfn: base, rights } : null;
    }),
};
