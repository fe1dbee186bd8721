import { CACHES_ALL, type Step } from "../edit-script/index.ts";
import type { IovaPfn, Pfn } from "../units/index.ts";
import type { Cause } from "./violation-class.ts";

/** Where an event is inserted: behind a step or in front of it, and which steps it could stand beside. */
export interface Beside {
  readonly side: "behind" | "before";
  readonly takes: (step: Step) => boolean;
  /** Between which two steps it belongs above all. */
  readonly parts?: (step: Step, next: Step) => boolean;
}

/** One ideal change of a script, and the step (by index in the list it was made from) that it is about. */
export interface Repair {
  readonly cause: Cause;
  readonly at: number;
  /** Where it inserts an event that might stand among steps that do not matter as well. */
  readonly beside?: Beside;
  /** All that it does, where it only adds steps in one place. */
  readonly insertion?: Insertion;
  apply(): Step[];
}

/** Steps to stand in front of the one at an index, or behind all. */
export interface Insertion {
  readonly place: number;
  readonly added: readonly Step[];
}

/** What repairs may use. */
export interface RepairContext {
  readonly steps: readonly Step[];
  /** The only step, by index, that a repair may be about: those about others may be left out. Null for all. */
  readonly about: number | null;
  /** Tags that the address space has in turn. */
  readonly tags: readonly number[];
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
}

/** True iff a repair about a step, by index, is asked for. */
export const isAskedFor = ({ about }: RepairContext, at: number): boolean => about === null || about === at;

/** The repair that adds steps in one place. */
export const inserting = (
  { steps }: RepairContext,
  repair: Pick<Repair, "cause" | "at" | "beside">,
  insertion: Insertion,
): Repair => ({
  ...repair,
  insertion,
  apply: () => steps.toSpliced(insertion.place, 0, ...insertion.added),
});

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
