/**
 * What one kind of IOMMU hardware allows: data that the planner and the checker read, so that neither tests for a format
 * by name. An edit script means something only relative to such a record; the text form names it in its header.
 */
export interface Capability {
  /** Stable name, e.g. `vtd-ss-48`. */
  readonly name: string;
  /** Entry layout, the key of the format that encodes and decodes entries. */
  readonly format: string;
  /** Table levels between the root (level `levels - 1`) and the 4 KiB leaves (level 0). */
  readonly levels: number;
  /** Bits of IOVA a walk translates; input beyond faults. */
  readonly inputBits: number;
  /** Bits of physical address an entry can hold. */
  readonly outputBits: number;
  /** Levels at which an entry may be a leaf, ascending; 0 = 4 KiB, 1 = 2 MiB, 2 = 1 GiB. */
  readonly leafLevels: readonly number[];
  /**
   * May a reachable entry change between leaf and table in one store?
   * `identical`: yes while every page keeps its translation or is absent on one side; `never`: only through not-present and an invalidation.
   */
  readonly resizeInPlace: "identical" | "never";
  /** May one store replace a reachable leaf by another leaf of the same size with a different frame / different rights? */
  readonly swapInPlace: { readonly frame: boolean; readonly rights: boolean };
  /** Rights of a table entry are ANDed into everything below it. */
  readonly rightsAnded: boolean;
  /** Not-present entries may be cached (VT-d caching mode), so that 0 → 1 needs an invalidation. */
  readonly cachesNotPresent: boolean;
  /** Walkers snoop CPU caches; where they do not, stores need `clean`. */
  readonly coherentWalk: boolean;
  /** Hardware sets A/D in leaves; reachable leaves change by `exchange`. */
  readonly hardwareDirty: boolean;
  /** Bits that walkers set in entries by themselves, accessed and dirty: where entries are compared they do not count. */
  readonly walkerBits: bigint;
  /** An invalidation must contain a leaf's whole span to drop it. */
  readonly invalidateCoversLeaf: boolean;
  /** Root, levels and domain tag of a device change in one store (epoch mode possible). On VT-d that is one 128-bit write of a context entry. */
  readonly rootSwitch: boolean;
  /** What says where a device's walks start is cached until it is invalidated by its tag. */
  readonly cachesContext: boolean;
}

const vtd = (levels: 3 | 4 | 5): Capability => ({
  name: `vtd-ss-${levels * 9 + 12}`,
  format: "vtd-ss",
  levels,
  inputBits: levels * 9 + 12,
  outputBits: 52,
  leafLevels: [0, 1, 2],
  resizeInPlace: "identical",
  swapInPlace: { frame: true, rights: true },
  rightsAnded: true,
  cachesNotPresent: false,
  coherentWalk: true,
  hardwareDirty: false,
  walkerBits: 0x300n,
  invalidateCoversLeaf: true,
  rootSwitch: true,
  cachesContext: true,
});

/** What can be said of a profile besides its levels, in the order in which names have it. */
const VARIANTS: readonly (readonly [string, Partial<Capability>])[] = [
  ["-cm", { cachesNotPresent: true }],
  ["-nc", { coherentWalk: false }],
  ["-ad", { hardwareDirty: true }],
];

/** A record with every choice of variants. */
const withVariants = (base: Capability): Capability[] =>
  VARIANTS.reduce(
    (all, [suffix, more]) => all.flatMap((c) => [c, { ...c, ...more, name: c.name + suffix }]),
    [base],
  );

const LEVELS = [3, 4, 5] as const;

/**
 * Profiles by name. `vtd-ss-39/48/57` are VT-d second stage with 3/4/5 levels; `-cm` adds caching mode, `-nc` a walker that
 * does not snoop, `-ad` one that sets accessed and dirty bits; several stand in this order.
 */
export const CAPABILITIES: ReadonlyMap<string, Capability> = new Map(
  LEVELS.flatMap((levels) => withVariants(vtd(levels)).map((c) => [c.name, c] as const)),
);

/** What there is to choose from, said in fewer words than the list of all names. */
export const CAPABILITY_NAMES = `${LEVELS.map((levels) => vtd(levels).name).join(", ")}, each with any of ${VARIANTS.map(([suffix]) => suffix).join(", ")} behind it, in this order`;
