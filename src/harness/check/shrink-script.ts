import { CheckInputError, type CheckOptions, check, inputOf } from "../../check/index.ts";
import { EditScript, type ScriptFile, type Step } from "../../edit-script/index.ts";
import { fewest, Patience, type ShrinkBudget } from "./smaller.ts";

/**
 * Makes an edit script smaller as long as it shows a violation of the class and of no class it did not show at first:
 * fewer steps, then fewer pieces of the maps, then fewer entries of the tables before.
 */
export function shrinkScript(
  file: ScriptFile,
  violation: string,
  options: CheckOptions,
  budget: ShrinkBudget,
): { readonly file: ScriptFile; readonly trials: number } {
  const patience = new Patience(budget);
  const classes = (candidate: ScriptFile, causes: boolean): ReadonlySet<string> => {
    try {
      return new Set(check(inputOf(candidate), { ...options, causes }).findings.map((f) => f.class));
    } catch (error) {
      if (error instanceof CheckInputError) return new Set();
      throw error;
    }
  };
  const atFirst = classes(file, true);
  const isSubset = (found: ReadonlySet<string>): boolean =>
    found.has(violation) && [...found].every((c) => atFirst.has(c));
  /* Findings of different causes do not hide each other, so causes count; most candidates fail without them already. */
  const shows = (candidate: ScriptFile): boolean =>
    isSubset(classes(candidate, false)) && isSubset(classes(candidate, true));
  let best = file;
  const lowered = <Item>(
    items: readonly Item[],
    withItems: (items: readonly Item[]) => ScriptFile,
  ): readonly Item[] => {
    const kept = fewest(items, (fewer) => shows(withItems(fewer)), patience);
    if (kept.length < items.length) best = withItems(kept);
    return kept;
  };
  lowered(ownedSteps(file), (steps) => ({ ...best, ...scriptOf(steps, file), stepLines: [] }));
  const oldOnly = lowered(best.oldMap, (oldMap) => ({ ...best, oldMap }));
  if (oldOnly.length > 0) lowered(best.newMap, (newMap) => ({ ...best, newMap }));
  lowered(best.tables, (tables) => ({ ...best, tables }));
  return { file: best, trials: patience.trials };
}

/** A step, and the position in the list of ioctls of the one that ran it; -1 where none is named. */
interface OwnedStep {
  readonly step: Step;
  readonly owner: number;
}

const ownedSteps = ({ script, ioctls }: ScriptFile): OwnedStep[] =>
  [...script].map((step, i) => ({ step, owner: ioctls.findLastIndex((ioctl) => ioctl.step <= i + 1) }));

/** The steps that are left, with those ioctls that still run one. */
function scriptOf(steps: readonly OwnedStep[], file: ScriptFile): Pick<ScriptFile, "script" | "ioctls"> {
  const ioctls: ScriptFile["ioctls"][number][] = [];
  let last = -1;
  steps.forEach(({ owner }, i) => {
    if (owner > last) ioctls.push({ label: file.ioctls[owner]!.label, step: i + 1 });
    last = Math.max(last, owner);
  });
  return { script: EditScript.from(steps.map(({ step }) => step)), ioctls };
}
