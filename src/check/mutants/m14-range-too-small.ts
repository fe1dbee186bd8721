import { PAGES_PER_2M } from "../../units/index.ts";
import { EntryHistory } from "./entry-history.ts";
import { mapSteps } from "./map-steps.ts";
import type { Mutant } from "./mutant.ts";

/**
 * Invalidates one page where a large leaf stood: an invalidation that does not contain the leaf's whole span may leave the
 * leaf, or pieces of it, in the caches.
 */
export const M14: Mutant = {
  id: "M14",
  title: "invalidates a single page where a large leaf was",
  source: "Xen XSA-366 (76d369d331); QEMU's address mask overflow in VT-d range invalidations",
  expected: "V04",
  scenario: "aliases",
  seenByThreads: true,
  rewrite(script, context) {
    const history = new EntryHistory(context);
    const { isPresent, isTable } = context.entries;
    let overwrote = false;
    return mapSteps(script, (step) => {
      for (const { before } of history.apply(step)) overwrote ||= isPresent(before) && !isTable(before);
      const wasOverwritten = overwrote;
      if (step.op === "wait") overwrote = false;
      return step.op === "invalidate" && step.scope === "leaf" && wasOverwritten && isLarge(step.pages)
        ? { ...step, pages: 1 }
        : step;
    });
  },
};

const isLarge = (pages: number): boolean => pages % PAGES_PER_2M === 0;
