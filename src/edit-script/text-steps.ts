import type { IovaPfn, Pfn } from "../units/index.ts";
import { descriptorSteps } from "./qi-descriptor.ts";
import {
  againstRange,
  asksToDrain,
  didOf,
  domainOf,
  iommuOf,
  MAX_ID,
  MAX_MASK,
  masked,
  type StepContext,
  waited,
} from "./step-context.ts";
import {
  CACHE_ATC,
  CACHE_CONTEXT,
  CACHE_IOTLB,
  CACHE_WALK,
  CACHES_ALL,
  type InvalidateStep,
  type Step,
} from "./steps.ts";
import { MAX_INDEX, type TextLine } from "./text-line.ts";

const CACHE_BITS: Readonly<Record<string, number>> = {
  iotlb: CACHE_IOTLB,
  walk: CACHE_WALK,
  atc: CACHE_ATC,
  context: CACHE_CONTEXT,
  all: CACHES_ALL,
  none: 0,
};
/** The steps of one line, and whether the update is numbered by the line. */
export interface LineSteps {
  readonly steps: readonly Step[];
  readonly isNumbered: boolean;
  /** The IOMMU that the line names. */
  readonly iommu?: number | undefined;
  /** What descriptors call the tag that the line gives. */
  readonly did?: number | undefined;
}

/** Cache names joined by `+`. */
export function cachesOf(at: TextLine, text: string): number {
  let caches = 0;
  for (const name of text.split("+")) {
    const bit = Object.hasOwn(CACHE_BITS, name) ? CACHE_BITS[name] : undefined;
    if (bit === undefined) at.fail(`cache "${name}" is none of iotlb, walk, atc, context, all`);
    caches |= bit;
  }
  return caches;
}

/** The `levels=` option, or what the capability says. */
export function levelsOf(at: TextLine, most: number): number {
  const text = at.take("levels");
  const levels = text === undefined ? most : at.integer(text, "levels", MAX_ID);
  if (levels > most) at.fail(`levels ${levels} is over ${most}, the levels of the profile`);
  if (levels < 1) at.fail("levels must be at least 1");
  return levels;
}

/** Reads one step; most lines are one, an invalidation of every domain is several. */
export function readSteps(op: string, at: TextLine, context: StepContext): LineSteps {
  const text = at.take("u");
  const update = text === undefined ? 0 : at.integer(text, "u", MAX_ID);
  const isNumbered = text !== undefined;
  switch (op) {
    case "fill":
    case "storeRun":
      return { steps: [{ op, update, ...at.stepRun() }], isNumbered };
    case "gather": {
      const { table, index } = at.filledSlot();
      const entries = at.values.map((value) => at.entry(value));
      if (entries.length === 0) at.fail('gather needs "= ENTRY ENTRY …"');
      at.fits(index, entries.length);
      return { steps: [{ op, update, table, index, entries }], isNumbered };
    }
    case "store":
      return { steps: [{ op, update, ...at.filledSlot(), entry: at.value() }], isNumbered };
    case "exchange": {
      const expected = at.entry(at.need("expected"));
      return { steps: [{ op, update, ...at.filledSlot(), expected, entry: at.value() }], isNumbered };
    }
    case "setRoot": {
      at.bare();
      const domain = domainOf(at, context, undefined, "now");
      const root = at.tableAddress(at.need("root"));
      const tagText = at.take("tag");
      const tag = tagText === undefined ? domain : at.integer(tagText, "tag", MAX_ID);
      const levels = levelsOf(at, context.levels);
      return { steps: [{ op, update, domain, root, levels, tag }], isNumbered, did: didOf(at) };
    }
  }
  if (isNumbered) at.fail(`${op} takes no option "u"`);
  const iommu = op === "invalidate" || op === "qi" || op === "wait" ? iommuOf(at) : undefined;
  return { steps: unnumbered(op, at, context, iommu), isNumbered: true, iommu };
}

/** Steps that belong to no update, for one IOMMU or for all. */
function unnumbered(
  op: string,
  at: TextLine,
  context: StepContext,
  iommu: number | undefined,
): readonly Step[] {
  switch (op) {
    case "barrier":
      at.bare();
      return [{ op }];
    case "clean":
    case "collect": {
      const { table, index } = at.slot();
      const count = at.integer(at.take("count") ?? "1", "count", MAX_INDEX);
      at.fits(index, count);
      return [{ op, table, index, count }];
    }
    case "invalidate":
      return drained(invalidations(at, context, iommu), context);
    case "qi":
      return descriptorSteps(at, context, iommu);
    case "wait": {
      const [, how, more] = at.words;
      if ((how !== undefined && how !== "drain") || more !== undefined)
        at.fail('wait takes nothing, or "drain"');
      return waited(how === "drain", iommu, context);
    }
    case "freeTable":
      return [{ op, table: at.tableAddress(at.only("a table address")) }];
    case "unpin": {
      const pfn = at.page(at.only("a frame address"), "frame") as Pfn;
      return [{ op, pfn, pages: at.sizeOption() }];
    }
    case "window": {
      const state = at.only('"open" or "close"');
      if (state !== "open" && state !== "close") at.fail(`window "${state}" is neither open nor close`);
      return [{ op, state, domain: domainOf(at, context), ...rangeOf(at, context) }];
    }
    default:
      return at.fail(`"${op}" is no statement of an edit script`);
  }
}

/** Steps that a line names in words: as descriptors they would ask for a drain. */
function drained(steps: readonly InvalidateStep[], context: StepContext): readonly InvalidateStep[] {
  for (const { domain, caches } of steps) asksToDrain(domain, caches, context);
  return steps;
}

function invalidations(at: TextLine, context: StepContext, iommu: number | undefined): InvalidateStep[] {
  const op = "invalidate";
  const [, reach, more] = at.words;
  if ((reach !== undefined && reach !== "all" && reach !== "global") || more !== undefined)
    at.fail(`invalidate takes a range, "all" or "global", not "${more ?? reach}"`);
  const scope = at.take("scope") ?? "nonLeaf";
  if (scope !== "leaf" && scope !== "nonLeaf") at.fail(`scope "${scope}" is neither leaf nor nonLeaf`);
  const caches = cachesOf(at, at.take("caches") ?? "all");
  const everything = { iovaPfn: 0 as IovaPfn, pages: context.pages };
  const step = { op, scope, caches } as const;
  if (reach === "global") {
    const tags = context.tags.behind(iommu);
    if (tags.length === 0)
      at.fail(
        iommu === undefined
          ? '"invalidate global" stands before every "domain" line'
          : `no domain before this line is behind IOMMU ${iommu}`,
      );
    return tags.map((domain) => ({ ...step, domain, ...everything }));
  }
  const domain = domainOf(at, context, iommu);
  const isContext = caches === CACHE_CONTEXT && !at.has("iova") && !at.has("size");
  if (reach === "all" || isContext) return [{ ...step, domain, ...everything }];
  if (!at.has("am")) return [{ ...step, domain, ...rangeOf(at, context) }];
  if (at.has("size")) at.fail("invalidate takes size= or am=, not both");
  const mask = at.integer(at.need("am"), "am", MAX_MASK);
  return [{ ...step, domain, ...inside(at, masked(at.addressOption("iova"), mask), context) }];
}

interface Range {
  readonly iovaPfn: IovaPfn;
  readonly pages: number;
}

const rangeOf = (at: TextLine, context: StepContext): Range =>
  inside(at, { iovaPfn: at.addressOption("iova") as IovaPfn, pages: at.sizeOption() }, context);

/** A range that has a part in the IOVA space. */
function inside(at: TextLine, range: Range, context: StepContext): Range {
  const against = againstRange(range.iovaPfn, range.pages, context);
  return against === null ? range : at.fail(against);
}
