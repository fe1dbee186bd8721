import { EditScript, type Step } from "../../edit-script/index.ts";
import { EntryHistory } from "./entry-history.ts";
import type { Mutant } from "./mutant.ts";

/**
 * Maps pages that were absent without an invalidation. Hardware that caches absent entries (VT-d caching mode, which
 * virtual IOMMUs announce) goes on faulting after the call has returned.
 */
export const M20: Mutant = {
  id: "M20",
  title: "does not invalidate when it maps what was absent",
  source: "VT-d caching mode; Linux 87684fd997a6 (known by its subject only)",
  expected: "V05",
  scenario: "split-rejoin",
  format: "vtd-ss-48-cm",
  seenByThreads: true,
  equivalent: (capability) =>
    capability.cachesNotPresent
      ? null
      : "this hardware never caches absent entries, so mapping one needs no invalidation",
  rewrite(script, context) {
    const history = new EntryHistory(context);
    const { isPresent } = context.entries;
    const out: Step[] = [];
    /* What there is to invalidate since the last wait: pages that came, and whatever needs it on any hardware. */
    let mapped = false;
    let isNeeded = false;
    let forgotten = false;
    for (const step of script) {
      for (const { before, after } of history.apply(step)) {
        isNeeded ||= isPresent(before);
        mapped ||= isPresent(after);
      }
      isNeeded ||= step.op === "collect" || step.op === "setRoot";
      if (step.op === "invalidate" && mapped && !isNeeded) forgotten = true;
      else out.push(step);
      if (step.op === "wait") mapped = isNeeded = false;
    }
    return forgotten ? EditScript.from(out) : script;
  },
};
