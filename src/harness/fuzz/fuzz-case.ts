import fc from "fast-check";
import { CAPABILITIES } from "../../edit-script/index.ts";
import { iovaPfn, PAGES_PER_1G, PAGES_PER_2M, READ, WRITE } from "../../units/index.ts";
import {
  BACKING_KINDS,
  type BackingKind,
  EMPTY_MAP,
  type MapRegion,
  type MemoryMap,
  makeMemoryMap,
} from "../../vmm/index.ts";

/** What a range of pages is painted with: memory at a distance from the identity, with rights; or nothing. */
export type Paint = { readonly backing: string; readonly shift: number; readonly rights: number } | null;

/** One edit of a map under construction. */
export type Edit =
  | { readonly kind: "paint"; readonly start: number; readonly pages: number; readonly paint: Paint }
  /** Rights only, wherever something is mapped. */
  | { readonly kind: "rights"; readonly start: number; readonly pages: number; readonly rights: number }
  /** Alternating rights, `stripe` pages at a time. */
  | { readonly kind: "stripes"; readonly start: number; readonly pages: number; readonly stripe: number }
  /** Cuts the region there in two without a change of meaning. */
  | { readonly kind: "cut"; readonly start: number }
  /** Back to the map of an earlier step. */
  | { readonly kind: "back"; readonly steps: number };

/** How a map is changed: by SET_MAP, by SET_MAP with EPOCH, or by MAP_DMA and UNMAP_DMA. */
export type ChangeKind = "set-map" | "epoch" | "legacy";
/** What is called: something that changes the map, or DIRTY_PAGES. */
export type CallKind = ChangeKind | "dirty-pages";

/**
 * What is done with dirty pages in front of a change, where the IOMMU marks them: nothing; devices write; they write and all
 * dirty pages are asked for; those of one extent are; a report that cannot be written is; tracking stops and starts.
 */
export type DirtyDeed = (typeof DIRTY_DEEDS)[number];
const DIRTY_DEEDS = ["nothing", "write", "report", "report extent", "fail report", "restart"] as const;

/**
 * A call that the kernel must refuse, made before the real one: a map of what is mapped already, or a list with a region
 * twice; an unmap that cuts an extent; the real call with too little to lock memory; a MAP_DMA of other memory that fails for
 * the same reason after it has mapped a part.
 */
export type Refusal = "none" | (typeof REFUSALS)[number];
const REFUSALS = ["overlap", "cut", "memlock", "late"] as const;

/** Memory for `late`, away from all else: more pages than MAP_DMA maps in one go. */
export const LATE_REGION: MapRegion = {
  iovaPfn: iovaPfn(16 * PAGES_PER_1G),
  pages: 16_600,
  backing: "late",
  offsetPages: 0,
  rights: READ | WRITE,
};
/** Pages of it that may be locked. */
export const LATE_PAGES = 16_500;

/** One call, or several: what the VMM does next. */
export interface FuzzStep {
  readonly call: ChangeKind;
  readonly dirty: DirtyDeed;
  readonly refusal: Refusal;
  readonly edits: readonly Edit[];
  /** The n-th allocation, pin or copy of the call fails first, then the call is made again; 0: none; SWEEP: each in turn. */
  readonly failAt: number;
}

/** Every n from 1 on is made to fail, until a call meets none. */
export const SWEEP = -1;

/** One drawn case: a machine and what happens to it. */
export interface FuzzCase {
  readonly format: string;
  readonly backing: BackingKind;
  readonly domains: number;
  readonly seed: number;
  readonly steps: readonly FuzzStep[];
}

/** With scattered 4 KiB frames every page is a leaf of its own: such maps stay below this page. */
const SCATTERED_END = 8 * PAGES_PER_2M;
/** Memory at an odd distance needs a 4 KiB leaf for each page, too. */
const MOST_ODD_PAGES = 3 * PAGES_PER_2M;
export const CANVAS_END = 3 * PAGES_PER_1G;

const shifts = fc.constantFrom(0, 0, 0, 0, PAGES_PER_2M, 7, PAGES_PER_1G);
const rights = fc.constantFrom(READ | WRITE, READ | WRITE, READ, WRITE);
const paint: fc.Arbitrary<Paint> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ backing: fc.constant("ram"), shift: shifts, rights }) },
  { weight: 1, arbitrary: fc.record({ backing: fc.constantFrom("ram2", "bar"), shift: shifts, rights }) },
  { weight: 2, arbitrary: fc.constant(null) },
);
/** Distances from a boundary at which changes start and end. */
const delta = fc.constantFrom(0, 0, 0, 1, -1, 3, 16, 100, 256, -16, 511);
/** The first is what smaller cases are made of. */
const call = fc.constantFrom<ChangeKind>("set-map", "set-map", "set-map", "epoch", "legacy");
const refusal = fc.constantFrom<Refusal>("none", "none", "none", "none", ...REFUSALS);
const page = fc
  .oneof(
    { weight: 6, arbitrary: fc.tuple(fc.integer({ min: 0, max: 7 }), fc.constant(PAGES_PER_2M), delta) },
    { weight: 1, arbitrary: fc.tuple(fc.integer({ min: 0, max: 2 }), fc.constant(PAGES_PER_1G), delta) },
    { weight: 1, arbitrary: fc.tuple(fc.constantFrom(511, 512, 513), fc.constant(PAGES_PER_2M), delta) },
  )
  .map(([n, unit, distance]) => Math.max(0, n * unit + distance));
const length = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 20 }) },
  { weight: 5, arbitrary: fc.constantFrom(256, 512, 512, 1024, 2048, 511, 513, 1536) },
  { weight: 1, arbitrary: fc.constantFrom(PAGES_PER_1G, PAGES_PER_1G + 512, PAGES_PER_1G / 2) },
);
const edit: fc.Arbitrary<Edit> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant("paint" as const), start: page, pages: length, paint }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("rights" as const), start: page, pages: length, rights }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("stripes" as const),
      start: page,
      pages: fc.constantFrom(16, 64, 512, 1024),
      stripe: fc.constantFrom(1, 2, 3, 8, 512),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("cut" as const), start: page }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("back" as const), steps: fc.integer({ min: 1, max: 3 }) }),
  },
);

/** What may be drawn. */
export interface FuzzShape {
  /** One profile, or any when null. */
  readonly format: string | null;
  /** Most steps of a case. */
  readonly steps?: number;
}

/** Sequences of map changes with the shapes that real guests have, and some that only a fuzzer thinks of. */
export const fuzzCases = ({ format, steps = 8 }: FuzzShape): fc.Arbitrary<FuzzCase> =>
  fc.record({
    format: format === null ? fc.constantFrom(...CAPABILITIES.keys()) : fc.constant(format),
    backing: fc.constantFrom(...BACKING_KINDS),
    domains: fc.constantFrom(1, 1, 1, 2),
    seed: fc.integer({ min: 1, max: 1_000_000 }),
    steps: fc.array(
      fc.record({
        call,
        dirty: fc.constantFrom<DirtyDeed>(...DIRTY_DEEDS),
        refusal,
        edits: fc.array(edit, { minLength: 1, maxLength: 5 }),
        failAt: fc.oneof(
          { weight: 6, arbitrary: fc.constant(0) },
          { weight: 2, arbitrary: fc.integer({ min: 1, max: 30 }) },
          { weight: 1, arbitrary: fc.constant(SWEEP) },
        ),
      }),
      { minLength: 1, maxLength: steps },
    ),
  });

/** A case's maps, one a step; the map before the first is empty. */
export function mapsOf(drawn: FuzzCase): MemoryMap[] {
  const end = drawn.backing === "fragmented" ? SCATTERED_END : CANVAS_END;
  const maps: MemoryMap[] = [EMPTY_MAP];
  for (const step of drawn.steps) {
    let map = maps.at(-1)!;
    for (const edit of step.edits) map = edited(map, edit, end, maps);
    maps.push(map);
  }
  return maps.slice(1);
}

function edited(map: MemoryMap, edit: Edit, end: number, before: readonly MemoryMap[]): MemoryMap {
  switch (edit.kind) {
    case "paint": {
      const isOdd = edit.paint !== null && edit.paint.shift % PAGES_PER_2M !== 0;
      const pages = isOdd ? Math.min(edit.pages, MOST_ODD_PAGES) : edit.pages;
      return painted(map, edit.start, Math.min(edit.start + pages, end), () => edit.paint);
    }
    case "rights":
      return painted(map, edit.start, Math.min(edit.start + edit.pages, end), (old) => ({
        ...paintOf(old),
        rights: edit.rights,
      }));
    case "stripes": {
      let result = map;
      const stop = Math.min(edit.start + edit.pages, end);
      for (let at = edit.start; at < stop; at += 2 * edit.stripe)
        result = painted(result, at, Math.min(at + edit.stripe, stop), (old) => ({
          ...paintOf(old),
          rights: old.rights === READ ? READ | WRITE : READ,
        }));
      return result;
    }
    case "cut":
      return makeMemoryMap(
        map.regions.flatMap((r) => {
          const at = edit.start - r.iovaPfn;
          return at > 0 && at < r.pages ? [part(r, 0, at), part(r, at, r.pages)] : [r];
        }),
      );
    case "back":
      return before[Math.max(0, before.length - 1 - edit.steps)]!;
  }
}

const paintOf = (r: MapRegion): NonNullable<Paint> => ({
  backing: r.backing,
  shift: r.offsetPages - r.iovaPfn,
  rights: r.rights,
});

const part = (r: MapRegion, from: number, to: number): MapRegion => ({
  ...r,
  iovaPfn: iovaPfn(r.iovaPfn + from),
  pages: to - from,
  offsetPages: r.offsetPages + from,
});

/** The map with [start, end) painted over. A function that asks for the old region leaves unmapped pages alone. */
function painted(
  map: MemoryMap,
  start: number,
  end: number,
  paintWith: (old: MapRegion) => Paint,
): MemoryMap {
  if (start >= end) return map;
  const regions: MapRegion[] = [];
  const asksForOld = paintWith.length > 0;
  for (const r of map.regions) {
    const [from, to] = [Math.max(start - r.iovaPfn, 0), Math.min(end - r.iovaPfn, r.pages)];
    if (from >= to) {
      regions.push(r);
      continue;
    }
    if (from > 0) regions.push(part(r, 0, from));
    if (to < r.pages) regions.push(part(r, to, r.pages));
    if (asksForOld) add(regions, r.iovaPfn + from, r.iovaPfn + to, paintWith(r));
  }
  if (!asksForOld) add(regions, start, end, (paintWith as () => Paint)());
  return makeMemoryMap(regions);
}

function add(regions: MapRegion[], start: number, end: number, paint: Paint): void {
  if (paint === null) return;
  const { backing, shift, rights } = paint;
  regions.push({
    iovaPfn: iovaPfn(start),
    pages: end - start,
    backing,
    offsetPages: start + shift,
    rights,
  });
}
