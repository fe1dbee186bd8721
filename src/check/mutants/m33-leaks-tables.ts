import { mapSteps } from "./map-steps.ts";
import type { Mutant } from "./mutant.ts";

/** Detaches tables and never frees them: devices notice nothing, memory runs out one merge at a time. */
export const M33: Mutant = {
  id: "M33",
  title: "never frees the tables that a merge detaches",
  source: "Linux ba2374fd2bf3, iommu/vt-d: fix range computation when making room for large pages",
  expected: "V12",
  scenario: "split-rejoin",
  seenByThreads: false,
  rewrite: (script) => mapSteps(script, (step) => (step.op === "freeTable" ? null : step)),
};
