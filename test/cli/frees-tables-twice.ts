import { EditScript, type Step } from "../../src/edit-script/index.ts";
import { Committer } from "../../src/kernel/iommu/commit.ts";

/**
 * Has every edit script give each table page back twice. Whoever runs it notices, as it would if the planner did it, so the
 * program fails by an invariant of its own. Returns what ends that.
 */
export function freeTablesTwice(): () => void {
  const { run } = Committer.prototype;
  Committer.prototype.run = function (this: Committer, planned) {
    const steps = [...planned].flatMap((step): Step[] => (step.op === "freeTable" ? [step, step] : [step]));
    run.call(this, EditScript.from(steps));
  };
  return () => {
    Committer.prototype.run = run;
  };
}
