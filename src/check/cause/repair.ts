import { CACHES_ALL, type Splice, type Step } from "../../edit-script/index.ts";
import type { IovaPfn, Pfn } from "../../units/index.ts";
import type { Cause } from "../rules/violation-class.ts";
import type { ScriptSteps } from "../script/script-steps.ts";

/** Where an event is inserted: behind a step or in front of it, and which steps it could stand beside. */
export interface Beside {
  readonly side: "behind" | "before";
  readonly takes: (steps: ScriptSteps, at: number) => boolean;
  /** True iff it belongs behind this step and in front of the next one above all. */
  readonly parts?: (steps: ScriptSteps, at: number) => boolean;
}

/** One of the changes that a repair makes. */
export interface RepairPart {
  readonly at: number;
  splices(): readonly Splice[];
}

/** One ideal change of a script, and the step (by index in the list it was made from) that it is about. */
export interface Repair {
  readonly cause: Cause;
  readonly at: number;
  /** Where it inserts an event that might stand among steps that do not matter as well. */
  readonly beside?: Beside;
  /** It changes all places of a kind, and not only the one that it is about. */
  readonly isEverywhere?: boolean;
  /** It takes away what does harm, and says something only where nothing else is wrong then. */
  readonly isLast?: boolean;
  /** It makes a store later. */
  readonly moves?: boolean;
  /** What it does, in the order of places. */
  splices(): readonly Splice[];
  /** Of what it does in several places each alone, the likely ones first: one that heals as much is to blame. */
  readonly parts?: () => Iterable<RepairPart>;
  /** It heals nothing unless one of its parts does. */
  readonly needsPart?: boolean;
}

/** Steps put in front of the one at an index, or behind all. */
export const inserted = (place: number, added: readonly Step[]): Splice => ({ place, removed: 0, added });
/** A step made other ones, or taken out. */
export const replaced = (place: number, added: readonly Step[] = []): Splice => ({
  place,
  removed: 1,
  added,
});

/** The steps that splices make of some, which are taken over as they are where they stay. */
export function spliced(steps: readonly Step[], splices: readonly Splice[]): Step[] {
  const result: Step[] = [];
  let from = 0;
  for (const { place, removed, added } of splices) {
    for (; from < place; from++) result.push(steps[from]!);
    for (const step of added) result.push(step);
    from += removed;
  }
  for (; from < steps.length; from++) result.push(steps[from]!);
  return result;
}

/** What repairs may use. */
export interface RepairContext {
  readonly steps: ScriptSteps;
  /**
   * The only step, by index, that a repair may be about, or only repairs of all places of a kind: others may be left out. Null for
   * all.
   */
  readonly about: number | "everywhere" | null;
  /** True iff the invalidation at an index may have been meant for what is wrong, with too small a range. */
  isMeant(index: number): boolean;
  /** True iff the invalidation at an index reaches pages of the leaf that is wrong, */
  isNear(index: number): boolean;
  /** and all of them, */
  isWhole(index: number): boolean;
  /** and all pages beside these that the same is wrong with. */
  isAmple(index: number): boolean;
  /** Pages between these and the invalidation at an index. */
  distance(index: number): number;
  /** True iff none of these is left as it is. */
  isBeside(index: number): boolean;
  /** True iff the step at an index gives back what is met. */
  isHarmful(index: number): boolean;
  /** True iff it does so, and stands in front of the store although nothing else has been stored that it could be meant for. */
  isEarly(index: number): boolean;
  /** True iff the script changes nothing on pages [start, end) of the address space. */
  isIdle(start: number, end: number): boolean;
  /** Tags that the address space has in turn. */
  readonly tags: readonly number[];
  /** True iff another address space of the script has this tag at some time. */
  isOthers(tag: number): boolean;
  /** The IOMMU that it is behind. */
  readonly iommu: number;
  /** Pages of the whole IOVA space. */
  readonly pages: number;
  readonly isCoherent: boolean;
  readonly tables: readonly number[];
  readonly entries: number;
  /** Bits that walkers set in entries by themselves. */
  readonly walkerBits: bigint;
  /** An entry before the first step. */
  entry(table: Pfn, index: number): bigint;
  /** The page that an entry leads to, be it a table or not. */
  frame(entry: bigint): number;
}

/** True iff a repair about a step, by index, is asked for. */
export const isAskedFor = ({ about }: RepairContext, at: number): boolean => about === null || about === at;

export const DRAIN: Step = { op: "wait", drain: true };
export const BARRIER: Step = { op: "barrier" };

/** An invalidation of everything under each of some tags. */
export const reaching = (tags: readonly number[], pages: number, caches: number): Step[] =>
  tags.map((domain) => ({
    op: "invalidate",
    domain,
    scope: "nonLeaf",
    caches,
    iovaPfn: 0 as IovaPfn,
    pages,
  }));

/** Everything under some tags invalidated, and waited for. */
export const fullInvalidation = (tags: readonly number[], pages: number): Step[] => [
  BARRIER,
  ...reaching(tags, pages, CACHES_ALL),
  DRAIN,
];
