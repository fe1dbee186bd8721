import { CACHES_ALL } from "../../edit-script/index.ts";
import { iovaPfn } from "../../units/index.ts";
import { mapSteps } from "./map-steps.ts";
import type { Mutant } from "./mutant.ts";

/** Invalidates the whole address space, table pointers included, however little changed; what is flushed beside it stays so. */
export const M42: Mutant = {
  id: "M42",
  title: "invalidates everything always",
  source: "common; a kernel that takes no risk",
  expected: "V18",
  scenario: "large-rights",
  seenByThreads: false,
  equivalent: () =>
    "an invalidation that is too wide costs time and changes no answer: V18 is a measure, not a violation",
  rewrite: (script, { capability }) =>
    mapSteps(script, (step) =>
      step.op === "invalidate"
        ? {
            ...step,
            scope: "nonLeaf",
            caches: step.caches | CACHES_ALL,
            iovaPfn: iovaPfn(0),
            pages: 2 ** (capability.inputBits - 12),
          }
        : step,
    ),
};
