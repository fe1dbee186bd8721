import { EditScript, type Step } from "../../edit-script/index.ts";
import type { Mutant } from "./mutant.ts";

/**
 * Gives the frames back before the invalidation is complete: a device that still holds the old translation does DMA to
 * memory that may belong to somebody else already.
 */
export const M18: Mutant = {
  id: "M18",
  title: "unpins frames before the invalidation is complete",
  source: "Xen XSA-346 (d73e972054, 6f012ec242); Mali CVE-2022-33917",
  expected: "V06",
  scenario: "remap",
  seenByThreads: true,
  rewrite(script) {
    const steps = [...script];
    const unpins = steps.filter((step) => step.op === "unpin");
    const at = steps.findIndex((step) => step.op === "invalidate");
    if (at < 0 || unpins.length === 0) return script;
    const early = new Set<Step>(unpins);
    const before = steps.slice(0, at);
    const after = steps.slice(at).filter((step) => !early.has(step));
    return EditScript.from([...before, ...unpins, ...after]);
  },
};
