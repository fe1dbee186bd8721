import { EditScript, type Step } from "../../edit-script/index.ts";
import { entriesOf, isLiveStore } from "./entry-history.ts";
import type { CallMutant } from "./mutant.ts";

/**
 * Two calls split the same leaf. The compare-exchange of the second fails because the first was quicker, and instead of
 * looking again the second goes on with its own table, which nobody links, and reports success.
 */
export const M38: CallMutant = {
  id: "M38",
  title: "reports success although another call won the compare-exchange",
  source: "Linux 85c7a0f1ef62, iommu/io-pgtable-arm: Fix race handling in split_blk_unmap()",
  expected: "V17",
  scenario: "two-callers",
  calls: { from: 0, to: [1, 2] },
  seenByThreads: false,
  rewriteCalls([winner, loser]) {
    const slotsOf = (step: Step): number[] =>
      isLiveStore(step) ? [...entriesOf(step)].map(({ table, index }) => table * 512 + index) : [];
    const won = new Set([...winner!.script].flatMap(slotsOf));
    const rest = [...loser!.script].filter((step) => !slotsOf(step).some((slot) => won.has(slot)));
    if (rest.length === loser!.script.steps) return null;
    return {
      ...loser!,
      script: EditScript.from([...winner!.script, ...rest]),
      pinned: [...winner!.pinned, ...loser!.pinned],
    };
  },
};
