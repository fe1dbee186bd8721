import { EditScript, type Step } from "../../edit-script/index.ts";
import { isLiveStore } from "./entry-history.ts";
import type { Mutant } from "./mutant.ts";

/**
 * Posts the invalidation before it stores the new entry: whoever walks in between caches the old entry again, and nothing
 * will take it out of the cache.
 */
export const M16: Mutant = {
  id: "M16",
  title: "invalidates first and stores afterwards",
  source:
    "Linux 7d321bd35425 (iommu/arm-smmu, known by its subject only): visibility before the invalidation",
  expected: "V04",
  scenario: "large-rights",
  seenByThreads: true,
  rewrite(script) {
    const out: Step[] = [];
    let segment: Step[] = [];
    let moved = false;
    for (const step of script) {
      segment.push(step);
      if (step.op !== "wait") continue;
      const first = segment.findIndex(isLiveStore);
      const posted = segment.filter((s) => s.op === "invalidate");
      if (first >= 0 && posted.length > 0) {
        const rest = segment.slice(first).filter((s) => s.op !== "invalidate");
        segment = [...segment.slice(0, first), ...posted, ...rest];
        moved = true;
      }
      out.push(...segment);
      segment = [];
    }
    return moved ? EditScript.from([...out, ...segment]) : script;
  },
};
