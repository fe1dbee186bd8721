import {
  aroundPages,
  CheckInputError,
  type CheckOptions,
  check,
  type Finding,
  inputOf,
} from "../../check/index.ts";
import { EditScript, type ScriptFile, type Step } from "../../edit-script/index.ts";
import { PAGES_PER_2M } from "../../units/index.ts";
import { fewest, Patience, type ShrinkBudget } from "./smaller.ts";

/** Pages around the one that shows a violation that are tried alone: itself, and those that a larger leaf translates with it. */
const BLOCKS = [1, PAGES_PER_2M];

/**
 * Makes an edit script smaller as long as it shows a violation of the class, with the cause it has at first, and of no class it
 * did not show: what is about other pages is left out at once where that can be; then fewer steps, fewer pieces of the maps, fewer entries of
 * the tables before.
 */
export function shrinkScript(
  file: ScriptFile,
  violation: string,
  options: CheckOptions,
  budget: ShrinkBudget,
): { readonly file: ScriptFile; readonly trials: number } {
  const patience = new Patience(budget);
  const findings = (candidate: ScriptFile, causes: boolean): readonly Finding[] => {
    try {
      return check(inputOf(candidate), { ...options, causes }).findings;
    } catch (error) {
      if (error instanceof CheckInputError) return [];
      throw error;
    }
  };
  const first = findings(file, true);
  const atFirst = new Set(first.map((f) => f.class));
  const ofClass = first.find((f) => f.class === violation);
  const isLikeFirst = (found: readonly Finding[], causes: boolean): boolean =>
    found.every((f) => atFirst.has(f.class)) &&
    found.some((f) => f.class === violation && (!causes || f.cause === ofClass?.cause));
  /* Findings of different causes do not hide each other, so causes count; most candidates fail without them already. */
  const shows = (candidate: ScriptFile): boolean =>
    [false, true].every((causes) => isLikeFirst(findings(candidate, causes), causes));
  let best = file;
  for (const pages of ofClass?.page == null ? [] : BLOCKS) {
    const start = ofClass!.page! - (ofClass!.page! % pages);
    const block = { domain: ofClass!.domain, start, end: start + pages };
    const around = aroundPages(file, block, options.mode ?? "weak");
    if (around === null) continue;
    const { steps, ...rest } = around;
    const owned = steps.map(({ step, number }) => ({ step, owner: ownerOf(file, number) }));
    const candidate: ScriptFile = { ...file, ...rest, ...scriptOf(owned, file), stepLines: [] };
    if (!patience.try(() => shows(candidate))) continue;
    best = candidate;
    break;
  }
  const lowered = <Item>(
    items: readonly Item[],
    withItems: (items: readonly Item[]) => ScriptFile,
  ): readonly Item[] => {
    const kept = fewest(items, (fewer) => shows(withItems(fewer)), patience);
    if (kept.length < items.length) best = withItems(kept);
    return kept;
  };
  const smaller = best;
  lowered(ownedSteps(smaller), (steps) => ({ ...best, ...scriptOf(steps, smaller), stepLines: [] }));
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

const ownerOf = ({ ioctls }: ScriptFile, number: number): number =>
  ioctls.findLastIndex((ioctl) => ioctl.step <= number);

const ownedSteps = (file: ScriptFile): OwnedStep[] =>
  [...file.script].map((step, i) => ({ step, owner: ownerOf(file, i + 1) }));

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
