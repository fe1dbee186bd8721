import { EditScript } from "../../edit-script/index.ts";
import { ENOMEM } from "./errors.ts";
import type { CallMutant } from "./mutant.ts";

/**
 * Runs out of memory while it plans and forgets half of the way back: the tables it has filled and the frames it has
 * pinned stay. The caller reads ENOMEM and believes that nothing happened.
 */
export const M39: CallMutant = {
  id: "M39",
  title: "fails with ENOMEM and keeps the tables and pins it has taken",
  source: "common; a rollback that knows only part of what was done",
  expected: "V14",
  scenario: "remap",
  seenByThreads: false,
  rewriteCalls([call]) {
    const aside = [...call!.script].filter((step) => step.op === "fill" || step.op === "gather");
    if (aside.length === 0 && call!.pinned.length === 0) return null;
    return { ...call!, errno: -ENOMEM, script: EditScript.from(aside) };
  },
};
