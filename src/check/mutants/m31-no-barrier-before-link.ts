import { EditScript, type Step } from "../../edit-script/index.ts";
import { isLiveStore } from "./entry-history.ts";
import type { Mutant } from "./mutant.ts";

/**
 * Links a new table without making its content visible first, by a barrier, or by a clean where walkers do not snoop CPU
 * caches: a walker may follow the link and read what the page held before.
 */
export const M31: Mutant = {
  id: "M31",
  title: "links a table with no barrier, or no clean, after its fill",
  source: "KVM 65855ed8b034; Xen XSA-321 (c23274fd04, b6d9398144)",
  expected: "V15",
  scenario: "split-rejoin",
  // Threads of one host see stores in order; only the checker's weak mode lets them be late.
  seenByThreads: false,
  equivalent: (_capability, mode) =>
    mode === "strong"
      ? "strong order takes every store for visible at once, to walkers that do not snoop as well: nothing is left to order or to clean"
      : null,
  rewrite(script) {
    const steps = [...script];
    const firstLive = steps.findIndex(isLiveStore);
    const filled = new Set<number>();
    for (const step of steps) if (step.op === "fill" || step.op === "gather") filled.add(step.table);
    const isLost = (step: Step, at: number): boolean =>
      at < firstLive && (step.op === "barrier" || (step.op === "clean" && filled.has(step.table)));
    const out = steps.filter((step, at) => !isLost(step, at));
    return filled.size > 0 && out.length < steps.length ? EditScript.from(out) : script;
  },
};
