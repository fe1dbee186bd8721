import { aroundPages, type CheckOptions, type Drifts, mapWithin } from "../../check/index.ts";
import type { MapRun, ScriptFile, TableRun } from "../../edit-script/index.ts";
import { PAGES_PER_1G, PAGES_PER_2M } from "../../units/index.ts";
import { joinedSteps, joinedTables, ownedSteps, ownerOf, withSteps } from "./script-parts.ts";
import { ShrinkTarget, saysAsMuch } from "./shrink-target.ts";
import { fewest, Patience, type ShrinkBudget } from "./smaller.ts";

/**
 * What is tried alone: so many pages around the one that shows the finding, in blocks aligned to their size, with the entries that
 * lead to them; a neighbour where the page alone says too little.
 */
const BLOCKS = [1, 2, 16, PAGES_PER_2M, PAGES_PER_1G, 2 * PAGES_PER_1G];
/** What either map has around them beside: all that a larger leaf translates, without whose neighbours it would say too much. */
const LEAVES = [PAGES_PER_2M, PAGES_PER_1G];

/**
 * Makes an edit script smaller as long as it shows the finding: a violation of the class, with the cause it has at first, and no other class. What
 * is about other pages is left out at once where that can be; then fewer steps, fewer pieces of the maps, fewer entries of the tables
 * before, which go on saying what the old map says.
 */
export function shrinkScript(
  file: ScriptFile,
  violation: string,
  options: CheckOptions,
  budget: ShrinkBudget,
): { readonly file: ScriptFile; readonly trials: number } {
  const patience = new Patience(budget);
  const target = new ShrinkTarget(file, violation, options);
  let best = file;
  const take = (candidate: ScriptFile): boolean => {
    if (!patience.try(() => target.isShownBy(candidate))) return false;
    best = candidate;
    return true;
  };
  const lower = <Item>(
    items: readonly Item[],
    withItems: (items: readonly Item[]) => ScriptFile,
    isSound: (candidate: ScriptFile) => boolean = () => true,
  ): readonly Item[] => {
    const holds = (candidate: ScriptFile): boolean => isSound(candidate) && target.isShownBy(candidate);
    const kept = fewest(items, (fewer) => holds(withItems(fewer)), patience);
    if (kept.length < items.length) best = withItems(kept);
    return kept;
  };
  const page = pageOf(file, target);
  let isCut = false;
  if (page !== null)
    for (const candidate of cutsAround(file, page, target.finding!.domain, options))
      if ((isCut = take(candidate)) || patience.isOver) break;
  if (!isCut) isCut = target.lost !== null && take(aboutTables(file, target.lost));
  if (!isCut) narrow(file, take);
  const smaller = best;
  lower(ownedSteps(smaller), (steps) => withSteps(steps, smaller));
  const hasMap = ({ oldMap, newMap }: ScriptFile): boolean => oldMap.length + newMap.length > 0;
  lower(best.oldMap, (oldMap) => ({ ...best, oldMap }), hasMap);
  lower(best.newMap, (newMap) => ({ ...best, newMap }), hasMap);
  const said = best;
  const isSound = (candidate: ScriptFile): boolean => saysAsMuch(candidate, said);
  lower(best.tables, (tables) => ({ ...best, tables }), isSound);
  for (let i = 0; i < best.tables.length; i++)
    while (
      halvesOf(best.tables[i]!).some((half) => {
        const candidate = { ...best, tables: best.tables.with(i, half) };
        return isSound(candidate) && take(candidate);
      })
    );
  take({ ...best, tables: joinedTables(best.tables) });
  const steps = joinedSteps(ownedSteps(best));
  if (steps.length < best.script.steps) take(withSteps(steps, best));
  return { file: best, trials: patience.trials };
}

/** The page that a finding is about: one of its own, or one that leads to a frame that is lost. */
function pageOf({ oldMap, newMap }: ScriptFile, { finding, lost }: ShrinkTarget): number | null {
  if (finding?.page != null) return finding.page;
  if (lost?.page != null) return lost.page;
  const frame = lost?.frames[0]?.start;
  if (frame === undefined) return null;
  const run = [...newMap, ...oldMap].find(({ pfn, pages }) => pfn <= frame && frame < pfn + pages);
  return run === undefined ? null : run.iovaPfn + frame - run.pfn;
}

/** The writes and frees of one of the tables that are lost, with a map that stays as it is. */
function aboutTables(file: ScriptFile, { tables }: Drifts): ScriptFile {
  const [first] = tables;
  const table = Number(first?.split(" ")[1]);
  const steps = [...file.script].flatMap((step, i) =>
    "table" in step && step.table === table ? [{ step, owner: ownerOf(file, i + 1) }] : [],
  );
  return withSteps(steps, { ...file, newMap: file.oldMap });
}

/** What of a script is about a page and its neighbours, the smallest part first. */
function* cutsAround(
  file: ScriptFile,
  page: number,
  domain: number,
  { mode }: CheckOptions,
): Generator<ScriptFile> {
  const blockOf = (size: number): { start: number; end: number } => {
    const start = page - (page % size);
    return { start, end: start + size };
  };
  for (const block of BLOCKS) {
    const around = aroundPages(file, { domain, ...blockOf(block) }, mode ?? "weak");
    if (around === null) continue;
    const { steps, ...rest } = around;
    const owned = steps.map(({ step, number }) => ({ step, owner: ownerOf(file, number) }));
    const cut = withSteps(owned, { ...file, ...rest });
    yield cut;
    for (const leaf of LEAVES.filter((size) => size > block)) {
      const oldMap = mapWithin(file.oldMap, blockOf(leaf));
      const newMap = mapWithin(file.newMap, blockOf(leaf));
      const isOldLarger = !isAlike(oldMap, cut.oldMap);
      const isNewLarger = !isAlike(newMap, cut.newMap);
      if (isOldLarger) yield { ...cut, oldMap };
      if (isNewLarger) yield { ...cut, newMap };
      if (isOldLarger && isNewLarger) yield { ...cut, oldMap, newMap };
    }
  }
}

const isAlike = (a: readonly MapRun[], b: readonly MapRun[]): boolean =>
  a.length === b.length &&
  a.every(({ iovaPfn, pages }, i) => iovaPfn === b[i]!.iovaPfn && pages === b[i]!.pages);

/** Leaves out one half of what both maps reach after the other. */
function narrow(file: ScriptFile, take: (candidate: ScriptFile) => boolean): void {
  const runs = [...file.oldMap, ...file.newMap];
  let start = Math.min(...runs.map(({ iovaPfn }) => iovaPfn));
  let end = Math.max(...runs.map(({ iovaPfn, pages }) => iovaPfn + pages));
  while (end - start > 1) {
    const middle = Math.floor((start + end) / 2);
    const half = [
      { start, end: middle },
      { start: middle, end },
    ].find((part) =>
      take({ ...file, oldMap: mapWithin(file.oldMap, part), newMap: mapWithin(file.newMap, part) }),
    );
    if (half === undefined) return;
    ({ start, end } = half);
  }
}

/** The two halves of a run of entries; none of a single one. */
function halvesOf(run: TableRun): TableRun[] {
  const count = Math.floor(run.count / 2);
  if (count === 0) return [];
  const first = BigInt.asUintN(64, run.first + BigInt(count) * run.stride);
  return [
    { ...run, count },
    { ...run, index: run.index + count, count: run.count - count, first },
  ];
}
