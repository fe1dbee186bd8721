import { EditScript, type Step } from "../../edit-script/index.ts";
import { pfn } from "../../units/index.ts";
import type { Mutant } from "./mutant.ts";

/**
 * Counts the page at the border of two fragments in both and unpins it twice. As long as somebody else pins the frame
 * nothing happens; the account is wrong from now on.
 */
export const M34: Mutant = {
  id: "M34",
  title: "unpins the last page of a fragment twice",
  source: "Linux CVE-2023-53236, iommufd: Do not corrupt the pfn list when doing batch carry",
  expected: "V12",
  scenario: "aliases",
  seenByThreads: false,
  rewrite(script) {
    const out: Step[] = [];
    let twice = false;
    for (const step of script) {
      out.push(step);
      if (step.op !== "unpin") continue;
      out.push({ op: "unpin", pfn: pfn(step.pfn + step.pages - 1), pages: 1 });
      twice = true;
    }
    return twice ? EditScript.from(out) : script;
  },
};
