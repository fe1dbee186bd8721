import { seededRandom } from "../seeded-random.ts";

export type Random = (bound: number) => number;

/** How wide invalidations are. */
export type Width = "exact" | "merged" | "wide" | "pieces" | "domain" | "powers";
/** Which caches go with which invalidation. */
export type CacheOrder = "together" | "device-behind" | "device-after-wait" | "walk-first";

/** The habits of one driver; each of them is legal. */
export interface Style {
  readonly profile: { readonly levels: 3 | 4; readonly variants: string; readonly indexLg2: number };
  readonly hasDeviceCache: boolean;
  /** Behind which IOMMU each tag is, tree by tree: a tree may serve several tags. */
  readonly trees: readonly (readonly number[])[];
  /** When what is pending is flushed. */
  readonly flush: "page" | "operation" | "script";
  readonly width: Width | "any";
  readonly cacheOrder: CacheOrder;
  /** Leaf scope where no link changes. */
  readonly leafScope: boolean;
  /** Tables and frames are given back when everything else is done. */
  readonly deferred: boolean;
  readonly shuffled: boolean;
  /** Frames are unpinned in runs. */
  readonly unpinRuns: boolean;
  /** Waits drain only where a frame is unpinned, perhaps by a second wait. */
  readonly drain: "always" | "needed" | "second";
  readonly moreBarriers: boolean;
  readonly moreWaits: boolean;
  readonly waitEach: boolean;
  readonly superpages: boolean;
  /** Stores to neighbours are one run. */
  readonly runs: boolean;
  readonly exchange: boolean;
  /** New tables are zeroed by the script, or known to be zero. */
  readonly zeroes: boolean;
  readonly gathers: boolean;
  readonly recycles: boolean;
  /** A new table is linked empty, where its pages were absent. */
  readonly linkEmpty: boolean;
  readonly prunes: boolean;
  /** Ranges that go with a whole table are detached by one store. */
  readonly detaches: boolean;
  /** A table is copied, edited and replaced. */
  readonly rebuilds: boolean;
  /** Pages that go are left out of the table that splits a leaf. */
  readonly holes: boolean;
  readonly windows: boolean;
  /** Unchanged subtrees are linked from both trees of a root switch. */
  readonly shares: boolean;
  /** A kept frame is pinned anew, and unpinned, where only rights change. */
  readonly repins: boolean;
  readonly givesPins: boolean;
}

const VARIANTS = ["", "", "-nc", "-cm", "-ad", "-ad", "-nc-ad", "-cm-nc"];
const TREES = [[[0]], [[0]], [[0]], [[0, 0]], [[0, 1]], [[0], [0]], [[0], [1]], [[1, 0], [0]]];
const WIDTHS = ["exact", "merged", "wide", "pieces", "domain", "powers", "any", "any"] as const;
const ORDERS = ["together", "together", "device-behind", "device-after-wait", "walk-first"] as const;

/** The style of a seed, but for habits that are asked for. */
export function styleOf(seed: number, habits: Partial<Style> = {}): Style {
  const random = seededRandom(seed * 7919 + 17);
  for (let i = 0; i < 4; i++) random(2);
  const pick = <T>(list: readonly T[]): T => list[random(list.length)]!;
  const often = (): boolean => random(4) > 0;
  const seldom = (): boolean => random(4) === 0;
  const evenly = (): boolean => random(2) === 0;
  const flush = pick(["page", "operation", "operation", "script", "script"] as const);
  return {
    profile: { levels: pick([3, 4]), variants: pick(VARIANTS), indexLg2: pick([4, 4, 4, 4, 9]) },
    hasDeviceCache: evenly(),
    trees: pick(TREES),
    flush,
    width: pick(WIDTHS),
    cacheOrder: pick(ORDERS),
    leafScope: evenly(),
    deferred: evenly(),
    shuffled: evenly(),
    unpinRuns: often(),
    drain: pick(["always", "needed", "second"]),
    moreBarriers: seldom(),
    moreWaits: seldom(),
    waitEach: seldom(),
    superpages: often(),
    runs: evenly(),
    exchange: seldom(),
    zeroes: evenly(),
    gathers: evenly(),
    recycles: often(),
    linkEmpty: seldom(),
    prunes: evenly(),
    detaches: evenly(),
    // To copy a table for each of its pages is nobody's habit.
    rebuilds: flush !== "page" && evenly(),
    holes: evenly(),
    windows: seldom(),
    shares: often(),
    repins: seldom(),
    givesPins: often(),
    ...habits,
  };
}
