import type { MemoryMode } from "../../check/index.ts";
import { iovaPfn } from "../../units/index.ts";
import {
  type MapRegion,
  type MapSequence,
  type MapStep,
  type MemoryMap,
  makeMemoryMap,
  type Strategy,
  VmmError,
} from "../../vmm/index.ts";
import { StressError } from "../stress/options.ts";
import { decideChanges } from "./decide-changes.ts";
import type { CheckCase } from "./options.ts";
import { fewest, Patience, type ShrinkBudget } from "./smaller.ts";

/** A finding to keep while everything else becomes smaller. */
export interface ShrinkTarget {
  readonly step: number;
  readonly class: string;
}

/** The smallest sequence found; its last change is the one that shows the finding. */
export interface ShrunkMaps {
  readonly sequence: MapSequence;
  /** Sequences tried. */
  readonly trials: number;
}

/** Sizes a region is cut down to, in pages: a page, then what superpages need. */
const SIZES = [1, 16, 512, 1024, 512 * 512];

/**
 * Makes a sequence smaller as long as its last change still shows a violation of the class: fewer maps, then fewer
 * regions, then smaller ones, and again while that helps.
 */
export function shrinkMaps(
  how: CheckCase,
  strategy: Strategy,
  mode: MemoryMode,
  target: ShrinkTarget,
  budget: ShrinkBudget,
): ShrunkMaps {
  const patience = new Patience(budget);
  const shows = (steps: readonly MapStep[]): boolean => {
    if (steps.length === 0) return false;
    const sequence = { ...how.sequence, steps };
    const only = steps.length === 1 ? 0 : steps.length - 1;
    try {
      for (const change of decideChanges({ ...how, sequence }, strategy, [mode], { only }))
        return change.findings.some((f) => f.class === target.class);
    } catch (error) {
      if (!(error instanceof StressError || error instanceof VmmError)) throw error;
    }
    return false;
  };
  const all = how.sequence.steps;
  const last = all[target.step]!;
  let before: readonly MapStep[] = target.step === 0 ? all : all.slice(0, target.step);
  if (all.length === 1) before = [];
  const stepsShow = (steps: readonly MapStep[]): boolean => shows([...steps, last]);
  const nearest = before.slice(-1);
  if (before.length > 1)
    before = patience.try(() => stepsShow(nearest)) ? nearest : fewest(before, stepsShow, patience);
  let steps: readonly MapStep[] = [...before, last];
  for (let size = Infinity; sizeOf(steps) < size && !patience.isOver; ) {
    size = sizeOf(steps);
    steps = fewerRegions(steps, shows, patience);
    steps = smallerRegions(steps, shows, patience);
  }
  return { sequence: { ...how.sequence, steps, notes: [] }, trials: patience.trials };
}

/** What shrinking lowers. */
const sizeOf = (steps: readonly MapStep[]): number =>
  steps.reduce((sum, s) => sum + 1 + s.map.regions.reduce((n, r) => n + 1 + Math.log2(r.pages), 0), 0);

const keyOf = (r: MapRegion): string => [r.iovaPfn, r.pages, r.backing, r.offsetPages, r.rights].join(" ");
const keysOf = (steps: readonly MapStep[]): string[] => [
  ...new Set(steps.flatMap((s) => s.map.regions.map(keyOf))),
];

type Shows = (steps: readonly MapStep[]) => boolean;

/** Leaves out regions, each from every map that has it. */
function fewerRegions(steps: readonly MapStep[], shows: Shows, patience: Patience): readonly MapStep[] {
  const withOnly = (keys: readonly string[]): readonly MapStep[] => {
    const wanted = new Set(keys);
    return changed(steps, (r) => (wanted.has(keyOf(r)) ? r : null));
  };
  const all = keysOf(steps);
  const kept = fewest(all, (keys) => shows(withOnly(keys)), patience);
  return kept.length === all.length ? steps : withOnly(kept);
}

/** Cuts regions short, each in every map that has it. */
function smallerRegions(steps: readonly MapStep[], shows: Shows, patience: Patience): readonly MapStep[] {
  let best = steps;
  for (const key of keysOf(steps)) {
    const pages = Number(key.split(" ")[1]);
    const sizes = [...new Set([...SIZES, Math.floor(pages / 2)])].sort((a, b) => a - b);
    for (const size of sizes.filter((n) => n > 0 && n < pages)) {
      const [head, tail] = [
        changed(best, (r) => (keyOf(r) === key ? { ...r, pages: size } : r)),
        changed(best, (r) => (keyOf(r) === key ? tailOf(r, size) : r)),
      ];
      const smaller = patience.try(() => shows(head)) ? head : patience.try(() => shows(tail)) ? tail : null;
      if (smaller === null) continue;
      best = smaller;
      break;
    }
    if (patience.isOver) break;
  }
  return best;
}

const tailOf = (r: MapRegion, pages: number): MapRegion => ({
  ...r,
  iovaPfn: iovaPfn(r.iovaPfn + r.pages - pages),
  offsetPages: r.offsetPages + r.pages - pages,
  pages,
});

/** The maps with every region replaced or, where `change` gives null, left out; equal maps stay one object. */
function changed(
  steps: readonly MapStep[],
  change: (region: MapRegion) => MapRegion | null,
): readonly MapStep[] {
  const maps = new Map<MemoryMap, MemoryMap>();
  return steps.map((step) => {
    let map = maps.get(step.map);
    if (map === undefined) {
      map = makeMemoryMap(step.map.regions.map(change).filter((r) => r !== null));
      maps.set(step.map, map);
    }
    return { ...step, map };
  });
}
