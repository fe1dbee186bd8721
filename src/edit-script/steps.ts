import type { IovaPfn, Pfn } from "../units/index.ts";

/**
 * The steps of an edit script: everything that can happen to page tables and to what depends on them.
 *
 * `update` groups the steps that belong to one logical update (one replaced entry, one split), so that a torn update can
 * be told from two updates. Tables are named by the frame they live in. Entries are raw 64-bit words of the format.
 */
export type Step =
  | FillStep
  | GatherStep
  | BarrierStep
  | CleanStep
  | StoreStep
  | StoreRunStep
  | ExchangeStep
  | CollectStep
  | InvalidateStep
  | WaitStep
  | FreeTableStep
  | UnpinStep
  | WindowStep
  | SetRootStep;

/** Plain stores into a table no walker can reach: entry i is `first + i * stride` (64-bit wrap-around). */
export interface FillStep {
  readonly op: "fill";
  readonly update: number;
  readonly table: Pfn;
  readonly index: number;
  readonly count: number;
  readonly first: bigint;
  readonly stride: bigint;
}
/** Plain stores of listed entries into a table no walker can reach. */
export interface GatherStep {
  readonly op: "gather";
  readonly update: number;
  readonly table: Pfn;
  readonly index: number;
  readonly entries: readonly bigint[];
}
/** All earlier stores are visible to walkers before any later one. */
export interface BarrierStep {
  readonly op: "barrier";
}
/** Earlier stores to these entries are pushed out of the CPU cache, for walkers that do not snoop it. */
export interface CleanStep {
  readonly op: "clean";
  readonly table: Pfn;
  readonly index: number;
  readonly count: number;
}
/** One aligned 64-bit store to an entry walkers can reach. */
export interface StoreStep {
  readonly op: "store";
  readonly update: number;
  readonly table: Pfn;
  readonly index: number;
  readonly entry: bigint;
}
/** `count` single-entry stores in rising order to entries walkers can reach; each entry is an update of its own. */
export interface StoreRunStep {
  readonly op: "storeRun";
  readonly update: number;
  readonly table: Pfn;
  readonly index: number;
  readonly count: number;
  readonly first: bigint;
  readonly stride: bigint;
}
/** Compare-exchange of a reachable entry; where hardware changed A/D meanwhile the loser re-reads and carries the bits. */
export interface ExchangeStep {
  readonly op: "exchange";
  readonly update: number;
  readonly table: Pfn;
  readonly index: number;
  readonly expected: bigint;
  readonly entry: bigint;
}

/**
 * Reads and clears the A and D bits of `count` reachable entries, each by one atomic operation. What it finds is in the
 * kernel's hands: it is reported, or carried to the entry that translates the page now.
 */
export interface CollectStep {
  readonly op: "collect";
  readonly table: Pfn;
  readonly index: number;
  readonly count: number;
}

/** What an invalidation reaches: cached leaves only, or cached table pointers as well. */
export type InvalidationScope = "leaf" | "nonLeaf";
/** Which caches an invalidation reaches, one bit each. */
export const CACHE_IOTLB = 1;
export const CACHE_WALK = 2;
export const CACHE_ATC = 4;
/** The caches that hold translations; what holds context entries is no part of them and has to be named. */
export const CACHES_ALL = CACHE_IOTLB | CACHE_WALK | CACHE_ATC;
/** Context entries: which root, levels and tag a device's accesses use. An invalidation reaches those with its tag, whatever its range. */
export const CACHE_CONTEXT = 8;

/** Post an invalidation to the queue; it is complete only after a later `wait`. */
export interface InvalidateStep {
  readonly op: "invalidate";
  /** Domain tag of the entries it reaches. */
  readonly domain: number;
  readonly scope: InvalidationScope;
  readonly caches: number;
  readonly iovaPfn: IovaPfn;
  readonly pages: number;
}
/**
 * Wait until every posted invalidation is complete; with `drain`, also until accesses that used old translations are performed.
 * With `iommu` it is a wait in the queue of that IOMMU, and says nothing of the others.
 */
export interface WaitStep {
  readonly op: "wait";
  readonly drain: boolean;
  readonly iommu?: number;
}
/** A wait for one IOMMU, or for all. */
export const waitStep = (drain: boolean, iommu: number | undefined): WaitStep =>
  iommu === undefined ? { op: "wait", drain } : { op: "wait", drain, iommu };

/** Give a detached table page back. */
export interface FreeTableStep {
  readonly op: "freeTable";
  readonly table: Pfn;
}
/** Drop one pin of each page of a physically contiguous run. */
export interface UnpinStep {
  readonly op: "unpin";
  readonly pfn: Pfn;
  readonly pages: number;
}
/** Open or close a declared break-before-make window: accesses to the range may fault in between. */
export interface WindowStep {
  readonly op: "window";
  readonly state: "open" | "close";
  readonly domain: number;
  readonly iovaPfn: IovaPfn;
  readonly pages: number;
}
/**
 * One store of a context entry: accesses that used tag `domain` use this root, these levels and `tag` from now on (epoch
 * mode). It is visible to walkers that do not snoop once the next barrier is.
 */
export interface SetRootStep {
  readonly op: "setRoot";
  readonly update: number;
  readonly domain: number;
  readonly root: Pfn;
  readonly levels: number;
  /** Tag of what is cached through the new root; `domain` itself where the tag stays. */
  readonly tag: number;
}
