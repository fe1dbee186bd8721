import { EditScript } from "../../edit-script/index.ts";
import { isLiveStore } from "./entry-history.ts";
import { EINVAL } from "./errors.ts";
import type { CallMutant } from "./mutant.ts";

/** Checks the last fragment of the list after the first entry is stored: the call fails, and part of it has happened. */
export const M39b: CallMutant = {
  id: "M39b",
  title: "fails with EINVAL after it has stored an entry",
  source: "common; arguments checked one by one as they are carried out",
  expected: "V14",
  scenario: "remap",
  seenByThreads: false,
  rewriteCalls([call]) {
    const steps = [...call!.script];
    const first = steps.findIndex(isLiveStore);
    if (first < 0) return null;
    return { ...call!, errno: -EINVAL, script: EditScript.from(steps.slice(0, first + 1)) };
  },
};
